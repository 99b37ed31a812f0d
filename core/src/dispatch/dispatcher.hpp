// From a request frame to a running handler, and its outcome back.
#pragma once

#include <trestle/context.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/detail/unique_function.hpp>
#include <trestle/payload.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dispatch/byte_budget.hpp"
#include "dispatch/kept_message.hpp"
#include "dispatch/stop_roll.hpp"
#include "dispatch/worker_pool.hpp"
#include "engine/packet_hold.hpp"
#include "peers/connection.hpp"
#include "registry/handler_registry.hpp"

namespace trestle::dispatch {

/// What the dispatcher asks of the node.
class DispatchEvents {
 public:
  virtual Node& node() = 0;
  virtual TimePoint now() const noexcept = 0;
  /// The time at which this turn began, about. Threads: the leader.
  virtual TimePoint recent_time() noexcept = 0;
  /// What must outlive an answer that is given later.
  virtual std::shared_ptr<void> keep_alive() = 0;
  /// The leader calls run() with it in this turn. Lock held.
  virtual void deliver(Message&& message) = 0;
  /// Runs in a turn, without the lock. Lock held or not.
  virtual void defer(detail::UniqueFunction<void()> action) = 0;
  /// Sends an answer at the end of the present turn. Threads: the leader, lock not held.
  virtual void answer_in_turn(Answer&& answer) = 0;
  /// Sends an answer. Lock not held.
  virtual void answer(Answer answer) = 0;
  /// Destroys `spent` once nothing on any stack can refer to it. Lock held.
  virtual void bury(std::shared_ptr<void> spent) = 0;
  /// No message is kept any more; running() is 0. Lock not held.
  virtual void on_idle() = 0;
  virtual void log_handler_error(std::string_view handler, const Error& error) = 0;

 protected:
  ~DispatchEvents() = default;
};

/// What may wait at once; see NodeOptions.
struct QueueLimits {
  std::size_t messages = 0;  ///< for a permit of one handler
  std::size_t bytes = 0;     ///< of all payloads that are kept beyond the turn
  std::size_t requests = 0;  ///< of one connection, until their outcome is known
};

/// Threads: under the engine's lock for on_request; any, without it, for outcomes.
class Dispatcher {
 public:
  Dispatcher(DispatchEvents& events, const registry::HandlerRegistry& handlers, WorkerPool& pool,
             const QueueLimits& limits)
      : events_(events),
        handlers_(handlers),
        pool_(pool),
        queue_max_(limits.messages),
        requests_max_(limits.requests),
        kept_(limits.bytes) {}

  /// Starts the handler, or refuses at once with a text.
  void on_request(peers::Connection& connection, wire::Request& request,
                  peers::HandlerName& handler, engine::PacketSource& source);

  /// The caller takes no outcome any more: what waits is dropped, what runs is asked to stop, in
  /// this turn. Threads: any, lock held or not.
  void cancel(std::shared_ptr<KeptMessage> message);
  /// The caller is gone: what runs is asked to stop, in this turn. Threads: any, lock held or not.
  void stop(std::shared_ptr<KeptMessage> message);

  /// Asks all handlers that run to stop, at once. Lock not held.
  void stop_all() { roll_->stop_all(); }

  /// Runs an inline handler. Threads: the leader, lock not held.
  /// `now`: at about this time it begins.
  void run(Message& message, TimePoint now);

  /// From now on every request is refused as draining.
  void close_gate() noexcept { gate_closed_.store(true, std::memory_order_relaxed); }

  /// Messages that are kept and owe their outcome still.
  std::size_t running() const noexcept { return running_.load(std::memory_order_seq_cst); }

  std::uint64_t received() const noexcept { return received_; }
  /// A request that could not even be read was refused with that code.
  void count_rejected(Errc code) noexcept;
  /// Of all messages, rejected ones included.
  const Tally& tally() const noexcept { return handlers_.tally(); }

 private:
  class TurnResponder;
  class KeptResponder;

  /// False: the request cannot be run, and was refused. Looks the handler up on its first message.
  bool admit(peers::Connection& connection, const wire::Request& request,
             peers::HandlerName& handler);
  /// `entry`: that of the handler, if there is one.
  void refuse(peers::Connection& connection, const wire::Request& request, registry::Entry* entry,
              const Error& error);
  void keep_and_start(Message message, engine::PacketSource& source, const wire::Request& request);
  std::shared_ptr<KeptMessage> keep(const Message& message);
  /// One obstacle less; without any it starts.
  void go_on(std::shared_ptr<KeptMessage> message);
  void start(std::shared_ptr<KeptMessage> message);
  void give_receipt(const std::shared_ptr<KeptMessage>& message);
  void drop_or_stop(const std::shared_ptr<KeptMessage>& message);
  /// Whoever claimed it ends the message without its handler.
  void drop(const std::shared_ptr<KeptMessage>& message, Error why);
  void run_kept(const std::shared_ptr<KeptMessage>& message);

  /// False: the caller gave up while the message waited, and counts on that it was not too late.
  static bool is_still_wanted(const Message& message, TimePoint now);
  template <class R>
  void call_handler(Message& message, R& responder);
  void count_failure(const Message& message, const Error& error);
  /// Before its outcome goes to the sender, who counts on the room.
  static void leave_window(const KeptMessage& message) noexcept;
  void finish(KeptMessage& message);

  DispatchEvents& events_;
  const registry::HandlerRegistry& handlers_;
  WorkerPool& pool_;
  const std::size_t queue_max_;
  const std::size_t requests_max_;
  ByteBudget kept_;
  const std::shared_ptr<StopRoll> roll_ = std::make_shared<StopRoll>();
  std::atomic<bool> gate_closed_{false};
  std::atomic<std::size_t> running_{0};
  std::uint64_t received_ = 0;
};

}  // namespace trestle::dispatch
