// Losing peers and finding them again.
#include "node/redials.hpp"

#include <algorithm>
#include <string>

#include "peers/connection.hpp"

namespace trestle {
namespace {

// An address that refuses at once is not asked all the time, whatever the options say.
constexpr std::chrono::nanoseconds shortest_delay = std::chrono::milliseconds(1);

// Lost peers that cannot be dialled and are waited for at once; others end at once.
constexpr std::size_t awaited_max = 1024;

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

/// A connection that can take requests, now or soon, other than `but`.
bool has_another(const detail::PeerLink& link, const peers::Connection& but) {
  return std::any_of(link.connections.begin(), link.connections.end(), [&](const auto& other) {
    return other.get() != &but && !other->is_closing() && (other->is_usable() || !other->is_open());
  });
}

}  // namespace

bool Redials::on_ended(peers::Connection& ended, const Error& why) {
  Lost* lost = find(ended);
  if (!host_.may_redial()) {
    // Its timer would go on with a connection that is gone.
    if (lost != nullptr) erase(*lost);
    return false;
  }
  bool has_another_way = false;
  if (lost == nullptr) {
    const PeerLinkPtr& link = ended.link;
    if (!ended.is_lost() || link == nullptr) return false;
    if (has_another(*link, ended) || find(*link) != nullptr) return false;
    if (link->uri.empty()) return begin_waiting(ended, why);
    lost = &lost_.emplace_back(*this, link, why, engine_.time_after(options_.reconnect_window));
  } else {
    // Who answered there and was not welcome may be another node: that says nothing of other ways.
    has_another_way = ended.link->routes.go_on(ended.link->uri);
    if (ended.ended_by_choice() && !has_another_way) {
      erase(*lost);
      return false;
    }
  }
  lost->attempt = nullptr;
  lost->is_dialling = false;
  if (lost->has_window) {
    const auto successor = host_.make_successor(ended);
    successor->succeed(ended);
    lost->attempt = successor.get();
  }
  if (has_another_way) {
    engine_.arm_timer(*lost, engine_.now());
  } else {
    schedule(*lost);
  }
  return lost->has_window;
}

bool Redials::begin_waiting(peers::Connection& ended, const Error& why) {
  // Most peers that come and go are never called: those cost nothing but this note.
  const TimePoint until = engine_.time_after(options_.reconnect_window);
  if (awaited_.size() >= awaited_max) {
    std::erase_if(awaited_, [&](const auto& entry) { return entry.second <= engine_.now(); });
  }
  if (awaited_.size() < awaited_max) awaited_[ended.link->instance] = until;
  if (!ended.has_unsent()) return false;
  Lost& lost = lost_.emplace_back(*this, ended.link, why, until);
  const auto waiting = host_.make_successor(ended);
  waiting->succeed(ended);
  lost.attempt = waiting.get();
  engine_.arm_timer(lost, until);
  return true;
}

peers::Connection* Redials::await(detail::PeerLink& link) {
  const auto awaited = awaited_.find(link.instance);
  if (awaited == awaited_.end() || !host_.may_redial() || find(link) != nullptr) return nullptr;
  const TimePoint until = awaited->second;
  if (engine_.now() >= until) return nullptr;
  Lost& lost = lost_.emplace_back(
      *this, link.shared_from_this(),
      link.last_failure.value_or(Error(Errc::connection_lost, "the peer was lost")), until);
  lost.attempt = host_.make_waiting(link).get();
  engine_.arm_timer(lost, until);
  return lost.attempt;
}

void Redials::hand_over(Lost& lost, peers::Connection& back) {
  peers::Connection& waiting = *lost.attempt;
  erase(lost);
  back.replace(waiting);
  waiting.evict(Error(Errc::duplicate_connection, "the peer came back by itself"));
}

void Redials::on_open(peers::Connection& connection) {
  if (connection.link != nullptr) awaited_.erase(connection.link->instance);
  if (Lost* lost = find(connection)) return erase(*lost);
  Lost* lost = connection.link != nullptr ? find(*connection.link) : nullptr;
  if (lost == nullptr) return;
  if (lost->link->uri.empty()) return hand_over(*lost, connection);
  // It came back by another way. Calls that wait go theirs, and both sides agree on one then.
  if (lost->attempt == nullptr) return erase(*lost);
  if (!lost->is_dialling) engine_.arm_timer(*lost, engine_.now());
}

void Redials::forget(const detail::PeerLink& link) {
  awaited_.erase(link.instance);
  if (const Lost* lost = find(link)) erase(*lost);
}

bool Redials::is_lost(const detail::PeerLink& link) const noexcept {
  return std::any_of(lost_.begin(), lost_.end(),
                     [&](const Lost& lost) { return lost.link.get() == &link; });
}

void Redials::adopt(detail::PeerLink& link, peers::Connection& connection) {
  Lost* lost = find(link);
  if (lost == nullptr || lost->attempt != nullptr) return;
  lost->attempt = &connection;
  lost->is_dialling = true;
  engine_.cancel_timer(*lost);
}

void Redials::hurry(std::string_view uri) {
  for (Lost& lost : lost_) {
    if (lost.link->uri != uri || lost.is_dialling || lost.attempt == nullptr) continue;
    on_time(lost);
    return;
  }
}

void Redials::on_time(Lost& lost) {
  if (lost.has_window && engine_.now() >= lost.window_until) return end_window(lost);
  if (lost.is_dialling || lost.link->uri.empty()) return;
  ++lost.failures;  // unless it succeeds, and then nobody asks
  Result<void> begun;
  if (lost.attempt != nullptr) {
    begun = host_.begin(*lost.attempt);
  } else {
    auto connection = host_.dial_again(*lost.link, options_.handshake_timeout);
    if (connection.has_error()) begun = std::move(connection).error();
    if (connection.has_value()) lost.attempt = *connection;
  }
  lost.is_dialling = begun.has_value();
  if (begun.has_error() && lost.link->routes.go_on(lost.link->uri)) {
    return engine_.arm_timer(lost, engine_.now());
  }
  if (begun.has_error()) return schedule(lost);
  if (lost.has_window) engine_.arm_timer(lost, lost.window_until);
}

void Redials::end_window(Lost& lost) {
  lost.has_window = false;
  lost.is_dialling = false;
  peers::Connection* const waiting = std::exchange(lost.attempt, nullptr);
  const Error why(Errc::connection_lost,
                  lost.why.text + "; the peer did not come back within reconnect_window " +
                      milliseconds(options_.reconnect_window));
  if (lost.link->uri.empty()) {
    erase(lost);
  } else {
    schedule(lost);
  }
  // `lost` may be gone after this.
  if (waiting != nullptr) waiting->fail(why);
}

void Redials::schedule(Lost& lost) {
  // From the nearest on: what was lost may be there again.
  lost.link->routes.restart(lost.link->uri);
  TimePoint due = engine_.time_after(next_delay(lost.failures));
  if (lost.has_window) due = std::min(due, lost.window_until);
  engine_.arm_timer(lost, due);
}

std::chrono::nanoseconds Redials::next_delay(unsigned failures) {
  std::chrono::nanoseconds longest = std::min(options_.redial_delay_min, options_.redial_delay_max);
  for (; failures > 0 && longest < options_.redial_delay_max; --failures) {
    longest = std::min(2 * longest, options_.redial_delay_max);
  }
  longest = std::max<std::chrono::nanoseconds>(longest, shortest_delay);
  // Full jitter: peers that were lost together do not come back together.
  return std::chrono::nanoseconds(std::uniform_int_distribution<std::int64_t>(
      shortest_delay.count(), longest.count())(random_));
}

Redials::Lost* Redials::find(const peers::Connection& attempt) noexcept {
  const auto found = std::find_if(lost_.begin(), lost_.end(),
                                  [&](const Lost& lost) { return lost.attempt == &attempt; });
  return found != lost_.end() ? &*found : nullptr;
}

Redials::Lost* Redials::find(const detail::PeerLink& link) noexcept {
  const auto found = std::find_if(lost_.begin(), lost_.end(),
                                  [&](const Lost& lost) { return lost.link.get() == &link; });
  return found != lost_.end() ? &*found : nullptr;
}

void Redials::erase(const Lost& lost) {
  lost_.remove_if([&](const Lost& other) { return &other == &lost; });
}

}  // namespace trestle
