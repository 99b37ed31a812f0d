// When a transport wakes, sleeps and goes down, and who is connected to it.
#include "mailbox.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "link.hpp"
#include "listener.hpp"

namespace trestle::inproc {
namespace {

constexpr std::size_t spare_packets_max = 64;
constexpr int arms_refused_max = 16;

}  // namespace

void Mailbox::unlock_and_wake() {
  wake_is_due_ = false;
  // Set under the lock alone. Relaxed: if it is reset at this moment, being careful does no harm.
  if (waking_.load(std::memory_order_relaxed)) {
    host_.wake();
    mutex_.unlock();
    return;
  }
  waking_.store(true, std::memory_order_relaxed);
  mutex_.unlock();
  host_.wake();
  waking_.store(false, std::memory_order_release);  // pairs with the load in is_empty()
}

Mailbox::ConnectionKey Mailbox::admit(std::shared_ptr<Link> link, Side side,
                                      const Listener* listener) {
  if (phase_ != Phase::running) return 0;
  if (listener != nullptr && !listener->accepting) return 0;
  connections_.emplace(++last_key_, Connected{std::move(link), side});
  ++open_connections_;
  return last_key_;
}

void Mailbox::connection_closed() {
  --open_connections_;
  go_down_when_drained();
}

void Mailbox::go_down_when_drained() {
  if (phase_ != Phase::draining || open_connections_ != 0) return;
  compose(0).kind = TT_EV_DOWN;
  post();
  phase_ = Phase::down;
}

std::unique_ptr<Packet> Mailbox::take_packet() {
  if (spare_packets_.empty()) return std::make_unique<Packet>();
  auto packet = std::move(spare_packets_.back());
  spare_packets_.pop_back();
  return packet;
}

void Mailbox::recycle(std::unique_ptr<Packet> packet) {
  packet->clear();
  keep_spare(std::move(packet));
}

void Mailbox::keep_spare(std::unique_ptr<Packet> packet) {
  if (spare_packets_.size() < spare_packets_max) spare_packets_.push_back(std::move(packet));
}

void Mailbox::release_held(std::unique_ptr<Packet> packet) {
  packet->clear();  // not under the lock: it may have much to free
  const std::lock_guard held(*this);
  keep_spare(std::move(packet));
  --held_packets_;
}

void Mailbox::owe_writable(LinkEnd sender) {
  owed_.push_back(sender);
  owes_.store(true, std::memory_order_relaxed);  // see pay_debts()
}

void Mailbox::forget_debt(LinkEnd sender) {
  std::erase(owed_, sender);
}

void Mailbox::pay_debts_now() {
  due_.clear();
  {
    const Lock held(*this);
    due_.reserve(owed_.size());
    std::erase_if(owed_, [this](LinkEnd sender) {
      if (!sender.link->has_room(sender.side)) return false;
      due_.push_back(sender);
      return true;
    });
    owes_.store(!owed_.empty(), std::memory_order_relaxed);  // see pay_debts()
  }
  // These links live: our end of each stays until this thread has delivered its CLOSED event.
  for (const LinkEnd sender : due_) sender.link->post_writable(sender.side);
}

void Mailbox::forget(const Listener& listener) {
  std::erase_if(listeners_, [&](const auto& known) { return known.get() == &listener; });
}

void Mailbox::forget(ConnectionKey key) {
  decltype(connections_)::node_type dying;  // destroyed after the lock: it may hold the last link
  const Lock held(*this);
  dying = connections_.extract(key);
}

void Mailbox::add_listener(std::shared_ptr<Listener> listener) {
  const Lock held(*this);
  listeners_.push_back(std::move(listener));
}

void Mailbox::stop(Listener& listener) {
  const Lock held(*this);
  if (!std::exchange(listener.accepting, false)) return;
  Record& event = compose(0);
  event.kind = TT_EV_UNLISTENED;
  event.status = TT_E_CLOSED;
  event.listener = &listener;
  post();
}

bool Mailbox::arm() {
  if (queue_.front() != nullptr) return false;
  Lock held(*this, std::try_to_lock);
  if (!held) {
    // Who has it is about to add an event, so look again rather than sleep; unless that thread has
    // lost its processor, maybe to us.
    if (++arms_refused_ <= arms_refused_max) return false;
    held.lock();
  }
  arms_refused_ = 0;
  armed_ = queue_.front() == nullptr && owed_.empty();
  return armed_;
}

bool Mailbox::is_empty() {
  {
    const Lock held(*this);
    if (!connections_.empty() || held_packets_ != 0) return false;
    armed_ = false;
  }
  // The host's table goes with the transport, and whoever brought the last event may still be about
  // to announce it. Acquire pairs with the end of unlock_and_wake().
  while (waking_.load(std::memory_order_acquire)) std::this_thread::yield();
  return true;
}

std::vector<Mailbox::Connected> Mailbox::begin_shutdown(
    std::vector<std::shared_ptr<Listener>>& listeners) {
  const Lock held(*this);
  if (phase_ != Phase::running) return {};
  phase_ = Phase::closing;
  listeners = listeners_;
  std::vector<Connected> open;
  for (const auto& [key, connected] : connections_) open.push_back(connected);
  return open;
}

void Mailbox::finish_shutdown() {
  const Lock held(*this);
  if (phase_ != Phase::closing) return;
  phase_ = Phase::draining;
  go_down_when_drained();
}

}  // namespace trestle::inproc
