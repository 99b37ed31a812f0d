// What a driver does with the events of a batch, and the rules that span a whole batch.
#include <trestle/ext/bulk.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver.hpp"
#include "failure.hpp"

namespace trestle::conformance {
namespace {

constexpr std::uint32_t guard_events = 2;
constexpr unsigned char guard_byte = 0xA5;

}  // namespace

std::uint32_t Driver::progress() {
  const std::uint32_t cap = batch_events_;
  std::vector<tt_event> events(cap + guard_events);
  std::memset(static_cast<void*>(events.data()), guard_byte, events.size() * sizeof(tt_event));
  std::int32_t count = 0;
  {
    const auto guard = serialise();
    count = ops_.progress(transport_, events.data(), cap);
  }
  expect(count >= 0, "progress: the transport is broken: " + name_of_status(count));
  expect(static_cast<std::uint32_t>(count) <= cap, "progress: expected at most " +
                                                       std::to_string(cap) + " events, got " +
                                                       std::to_string(count));
  const auto* guards = reinterpret_cast<const unsigned char*>(events.data() + cap);
  expect(std::all_of(guards, guards + guard_events * sizeof(tt_event),
                     [](unsigned char byte) { return byte == guard_byte; }),
         "progress: wrote beyond the " + std::to_string(cap) + " events it was given");
  const std::span batch(events.data(), static_cast<std::size_t>(count));
  {
    const std::lock_guard lock(state_mutex_);
    check_batch(batch);
    for (const tt_event& event : batch) take(event);
  }
  answer_batch();
  return static_cast<std::uint32_t>(count);
}

// What a host owes after a batch: cookies for accepted connections, and packets it is done with.
void Driver::answer_batch() {
  const auto guard = serialise();
  for (Connection* conn : std::exchange(accepted_, {})) {
    ops_.conn_set_user(transport_, conn->handle, conn);
  }
  for (tt_rx* rx : std::exchange(to_release_, {})) ops_.rx_release(transport_, rx);
}

void Driver::check_batch(std::span<const tt_event> events) {
  for (std::size_t at = 0; at < events.size(); ++at) {
    if (events[at].kind != TT_EV_ACCEPTED) continue;
    const auto same = std::count_if(events.begin(), events.end(), [&](const tt_event& event) {
      return event.conn == events[at].conn;
    });
    if (same != 1)
      violate(rules::acceptance, "ACCEPTED is not alone of its connection in its batch");
  }
}

void Driver::take(const tt_event& event) {
  if (down_) violate(rules::down, "event " + std::to_string(event.kind) + " after DOWN");
  switch (event.kind) {
    case TT_EV_UNLISTENED:
      return take_listener_event(event);
    case TT_EV_DOWN:
      if (!shutting_down_) violate(rules::down, "DOWN without shutdown()");
      for (const auto& conn : connections_) {
        if (!conn->closed) violate(rules::down, "DOWN before every connection was CLOSED");
      }
      for (const auto& listener : listeners_) {
        if (!listener->gone) violate(rules::down, "DOWN before every listener was UNLISTENED");
      }
      down_ = true;
      return;
    default:
      return take_connection_event(event);
  }
}

void Driver::take_listener_event(const tt_event& event) {
  const auto at = std::find_if(listeners_.begin(), listeners_.end(),
                               [&](const auto& listener) { return listener.get() == event.user; });
  if (at == listeners_.end())
    return violate(rules::unlistening, "UNLISTENED with a cookie of no listener");
  if (std::exchange((*at)->gone, true)) violate(rules::unlistening, "a second UNLISTENED");
}

void Driver::take_connection_event(const tt_event& event) {
  const bool is_bulk = event.kind == TT_EV_BULK;
  if (!is_bulk && (event.kind < TT_EV_ACCEPTED || event.kind > TT_EV_DOWN)) {
    return violate(rules::kinds, "an event of unknown kind " + std::to_string(event.kind));
  }
  const auto known = by_handle_.find(event.conn);
  if (event.kind == TT_EV_ACCEPTED && known != by_handle_.end()) {
    return violate(rules::order, "ACCEPTED for a connection that exists");
  }
  if (event.kind != TT_EV_ACCEPTED && known == by_handle_.end()) {
    return violate(rules::order,
                   "event " + std::to_string(event.kind) + " for no living connection");
  }
  Connection& conn = event.kind == TT_EV_ACCEPTED ? accept(event) : *known->second;
  if (event.kind != TT_EV_ACCEPTED && event.user != &conn) {
    violate(rules::cookies,
            "event " + std::to_string(event.kind) + " with another connection's cookie");
  }
  const Violation broken = observe(conn, event);
  if (broken.rule != nullptr) violate(*broken.rule, broken.text);
  if (event.kind == TT_EV_PACKET) take_packet(conn, event);
  if (is_bulk && event.rx != nullptr) to_release_.push_back(event.rx);
}

Connection& Driver::accept(const tt_event& event) {
  auto conn = std::make_unique<Connection>();
  conn->handle = event.conn;
  conn->origin = Origin::accepted;
  by_handle_[event.conn] = conn.get();
  accepted_.push_back(conn.get());
  const auto cookie = reinterpret_cast<void*>(static_cast<std::uintptr_t>(event.aux));
  const auto at = std::find_if(listeners_.begin(), listeners_.end(),
                               [&](const auto& listener) { return listener.get() == cookie; });
  if (at == listeners_.end()) {
    violate(rules::acceptance, "ACCEPTED: aux is the cookie of no listener");
  } else if ((*at)->gone) {
    violate(rules::unlistening, "ACCEPTED after the listener's UNLISTENED");
  } else {
    (*at)->accepted.push_back(conn.get());
  }
  connections_.push_back(std::move(conn));
  return *connections_.back();
}

void Driver::take_packet(Connection& conn, const tt_event& event) {
  Arrival arrival;
  const auto segments = segments_of(event);
  arrival.bytes = gather(segments);
  if (holding_ == Holding::keep) arrival.original = segments;
  arrival.was_held = event.rx != nullptr;
  if (event.rx != nullptr) {
    if ((attributes_.caps & TT_CAP_RX_HOLD) == 0)
      violate(rules::holding, "an rx without TT_CAP_RX_HOLD");
    if (ops_.rx_release == nullptr) return violate(rules::holding, "an rx, but rx_release is null");
    if (holding_ == Holding::keep) {
      arrival.rx = event.rx;
    } else {
      to_release_.push_back(event.rx);
    }
  } else if ((event.flags & TT_EVF_SEGS) != 0) {
    violate(rules::holding, "TT_EVF_SEGS without an rx");
  }
  conn.arrivals.push_back(std::move(arrival));
}

}  // namespace trestle::conformance
