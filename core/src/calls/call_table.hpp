// Calls that wait for their outcome: slot and generation, bounded, each completed exactly once.
#pragma once

#include <trestle/contract.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/timer_queue.hpp"
#include "wire/frame.hpp"

namespace trestle::peers {
class Connection;
}

namespace trestle::calls {

/// Takes the outcome of one call, once. Lifetime: until then. Called with the engine's lock held:
/// user code has to wait.
class CallSink {
 public:
  /// The peer accepted the call, before its outcome; `contract` is that of the handler where the
  /// delivery mode has a receipt, or else empty. A peer may say so more than once, or never.
  virtual void accepted(HandlerContract /*contract*/) noexcept {}
  /// It waits at that connection from now on: the one before was lost, and the call had not left.
  virtual void moved_to(peers::Connection& /*connection*/) noexcept {}
  virtual void complete(Result<Encoded>&& outcome) noexcept = 0;

 protected:
  ~CallSink() = default;
};

/// Told when the deadline of a call has come. Called with the engine's lock held.
class DeadlineEvents {
 public:
  virtual void on_deadline(wire::CallId call) = 0;

 protected:
  ~DeadlineEvents() = default;
};

/// What ends a call in good order.
enum class Awaits { ack, reply, pong };

/// One waiting call.
class PendingCall final : public engine::Timer {
 public:
  /// `events` may change what it points to.
  explicit PendingCall(DeadlineEvents* const& events) noexcept : events_(events) {}

  wire::CallId id;
  CallSink* sink = nullptr;  // unset while the slot is free
  std::uint64_t frame = 0;   // number of its request frame on the connection; 0: not queued yet
  Awaits awaits = Awaits::reply;
  bool may_withdraw = false;         // its request frame carries nothing that later frames rely on
  PendingCall* next_free = nullptr;  // in a free slot

  void expire() override { events_->on_deadline(id); }

 private:
  DeadlineEvents* const& events_;
};

/// The calls of one connection. A freed slot's next id differs in its generation, so that a late
/// outcome finds nothing. Neither copied nor moved: its calls refer to it.
/// Threads: under the engine's lock.
class CallTable {
 public:
  /// `calls_max` is cut to what call ids can name.
  CallTable(std::size_t calls_max, DeadlineEvents& events) noexcept
      : calls_max_(std::min<std::size_t>(calls_max, wire::CallId::no_slot)), events_(&events) {}
  CallTable(const CallTable&) = delete;
  CallTable& operator=(const CallTable&) = delete;

  /// Deadlines are told to `events` from now on.
  void tell(DeadlineEvents& events) noexcept { events_ = &events; }

  /// Errors: too_many_calls, naming the limit.
  Result<PendingCall*> acquire(CallSink& sink, Awaits awaits = Awaits::reply) {
    if (free_ == nullptr) {
      if (auto added = add_slot(); added.has_error()) return std::move(added).error();
    }
    PendingCall& call = *std::exchange(free_, free_->next_free);
    ++size_;
    call.sink = &sink;
    call.awaits = awaits;
    call.frame = 0;
    call.may_withdraw = false;
    return &call;
  }

  /// The waiting call of that id; null if it ended, or never was.
  PendingCall* find(wire::CallId id) noexcept {
    if (id.slot() >= slots_.size()) return nullptr;
    PendingCall* const call = slots_[id.slot()].get();
    return call->sink != nullptr && call->id == id ? call : nullptr;
  }

  /// Frees the slot and returns whom to tell. The call's timer must be cancelled first.
  CallSink* release(PendingCall& call) noexcept {
    CallSink* const sink = std::exchange(call.sink, nullptr);
    call.id = wire::CallId::make(call.id.slot(), call.id.generation() + 1);
    call.next_free = std::exchange(free_, &call);
    --size_;
    return sink;
  }

  std::size_t calls_max() const noexcept { return calls_max_; }
  std::size_t size() const noexcept { return size_; }

  /// Calls `visit(PendingCall&)` for each waiting call, in order of slot; it may release that one.
  template <class Visit>
  void for_each(Visit visit) {
    for (const auto& call : slots_) {
      if (call->sink != nullptr) visit(*call);
    }
  }

 private:
  Result<void> add_slot();

  std::size_t calls_max_;
  DeadlineEvents* events_;
  std::vector<std::unique_ptr<PendingCall>> slots_;  // their addresses stay: timers link them
  PendingCall* free_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace trestle::calls
