// Keeping and reading peer events, and counting losses.
#include "peers/peer_event_log.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "peers/peer_link.hpp"

namespace trestle {

std::string_view to_string(PeerEvent::Change change) noexcept {
  return change == PeerEvent::Change::came ? "came" : "gone";
}

PeerEvents::PeerEvents(std::shared_ptr<peers::PeerEventLog> log)
    : log_(std::move(log)), next_(log_->end()) {}

std::optional<PeerEvent> PeerEvents::poll() {
  return wait_for(std::chrono::nanoseconds::zero());
}

std::optional<PeerEvent> PeerEvents::wait_for(std::chrono::nanoseconds timeout) {
  if (log_ == nullptr) return std::nullopt;
  return log_->take(next_, timeout);
}

namespace peers {

void PeerEventLog::on_open(const Connection& connection) {
  detail::PeerLink& link = *connection.link;
  const std::uint64_t incarnation = connection.peer().incarnation;
  const std::uint64_t before = std::exchange(link.present_as, incarnation);
  if (before == incarnation) return;
  if (before != 0) {
    // Its old connections are being ended; what they say comes too late to be of use.
    add({.change = PeerEvent::Change::gone,
         .peer = link.instance,
         .incarnation = before,
         .uri = link.uri,
         .reason = Error(Errc::connection_lost, "it was started again")});
  }
  add({.change = PeerEvent::Change::came,
       .peer = link.instance,
       .incarnation = incarnation,
       .uri = link.uri});
}

void PeerEventLog::on_closed(const Connection& connection, const Error& why) {
  if (connection.link == nullptr) return;
  detail::PeerLink& link = *connection.link;
  const bool is_last = std::none_of(
      link.connections.begin(), link.connections.end(),
      [&](const auto& other) { return other.get() != &connection && other->is_open(); });
  if (!is_last || link.present_as == 0) return;
  add({.change = PeerEvent::Change::gone,
       .peer = link.instance,
       .incarnation = std::exchange(link.present_as, 0),
       .uri = link.uri,
       .reason = why});
}

void LostMessagesLedger::add(const Error& why, std::size_t unsent, std::size_t in_doubt) {
  // A peer chooses the code of its goodbye: those that nobody knows are all one.
  const auto code = static_cast<Errc>(why.code.value());
  const Errc reason = to_string(code) == "unknown" ? Errc::connection_lost : code;
  LostMessages& lost = by_reason_[reason];
  lost.reason = reason;
  lost.unsent += unsent;
  lost.in_doubt += in_doubt;
}

std::vector<LostMessages> LostMessagesLedger::all() const {
  std::vector<LostMessages> all;
  for (const auto& entry : by_reason_) all.push_back(entry.second);
  return all;
}

}  // namespace peers
}  // namespace trestle
