// The queue of a transport's events, and when it may sleep and go down.
#include "mailbox.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "listener.hpp"

namespace trestle::inproc {

void Mailbox::push(QueuedEvent event) {
  const std::lock_guard lock(mutex_);
  push_locked(std::move(event));
}

// Wakes under the lock on purpose: wake() never blocks nor calls back, and once the lock is gone
// the transport, and with it the host's table, may be gone too.
void Mailbox::push_locked(QueuedEvent event) {
  const bool closed = event.kind == TT_EV_CLOSED;
  events_.push_back(std::move(event));
  if (closed) {
    --open_connections_;
    go_down_when_drained();
  }
  if (std::exchange(armed_, false)) host_.wake();
}

void Mailbox::go_down_when_drained() {
  if (phase_ != Phase::draining || open_connections_ != 0) return;
  phase_ = Phase::down;
  QueuedEvent down;
  down.kind = TT_EV_DOWN;
  push_locked(std::move(down));
}

Mailbox::ConnectionKey Mailbox::admit(std::shared_ptr<Link> link, Side side,
                                      const Listener* listener) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::running) return 0;
  if (listener != nullptr && !listener->accepting) return 0;
  connections_.emplace(++last_key_, Connected{std::move(link), side});
  ++open_connections_;
  return last_key_;
}

void Mailbox::forget(ConnectionKey key) {
  decltype(connections_)::node_type dying;  // destroyed after the lock: it may hold the last link
  const std::lock_guard lock(mutex_);
  dying = connections_.extract(key);
}

void Mailbox::add_listener(std::shared_ptr<Listener> listener) {
  const std::lock_guard lock(mutex_);
  listeners_.push_back(std::move(listener));
}

bool Mailbox::stop(Listener& listener) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(listener.accepting, false)) return false;
  const auto at = std::find_if(listeners_.begin(), listeners_.end(),
                               [&](const auto& known) { return known.get() == &listener; });
  QueuedEvent event;
  event.kind = TT_EV_UNLISTENED;
  event.status = TT_E_CLOSED;
  event.listener = std::move(*at);
  listeners_.erase(at);
  push_locked(std::move(event));
  return true;
}

std::vector<std::unique_ptr<Packet>> Mailbox::withdraw(LinkEnd receiver) {
  std::vector<std::unique_ptr<Packet>> packets;
  std::deque<QueuedEvent> kept;
  const std::lock_guard lock(mutex_);
  for (QueuedEvent& event : events_) {
    if (event.is_packet_for(receiver)) {
      packets.push_back(std::move(event.packet));
    } else {
      kept.push_back(std::move(event));
    }
  }
  events_.swap(kept);
  return packets;
}

std::vector<std::uint64_t> Mailbox::take_over_lent(LinkEnd receiver) {
  std::vector<std::uint64_t> ops;
  const std::lock_guard lock(mutex_);
  for (QueuedEvent& event : events_) {
    if (!event.is_packet_for(receiver) || !event.packet->is_lent()) continue;
    try {
      event.packet->become_own();
    } catch (const std::bad_alloc&) {
      continue;  // the sender's close then waits until the receiver has released it
    }
    ops.push_back(event.packet->op());
  }
  return ops;
}

bool Mailbox::pop(QueuedEvent& out, const std::vector<LinkEnd>& barriers) {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  if (events_.empty()) return false;
  QueuedEvent& next = events_.front();
  if (std::find(barriers.begin(), barriers.end(), next.end()) != barriers.end()) return false;
  if (next.kind == TT_EV_PACKET && next.packet->is_held()) ++held_packets_;
  if (next.kind == TT_EV_DOWN) down_seen_ = true;
  out = std::move(next);
  events_.pop_front();
  return true;
}

void Mailbox::release_one() {
  const std::lock_guard lock(mutex_);
  --held_packets_;
}

bool Mailbox::arm() {
  const std::lock_guard lock(mutex_);
  armed_ = events_.empty();
  return armed_;
}

bool Mailbox::can_destroy() const {
  const std::lock_guard lock(mutex_);
  return down_seen_ && connections_.empty() && held_packets_ == 0;
}

std::vector<Mailbox::Connected> Mailbox::begin_shutdown(
    std::vector<std::shared_ptr<Listener>>& listeners) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::running) return {};
  phase_ = Phase::closing;
  listeners = listeners_;
  std::vector<Connected> open;
  for (const auto& [key, connected] : connections_) open.push_back(connected);
  return open;
}

void Mailbox::finish_shutdown() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::closing) return;
  phase_ = Phase::draining;
  go_down_when_drained();
}

}  // namespace trestle::inproc
