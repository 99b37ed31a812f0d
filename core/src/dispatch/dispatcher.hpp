// From a request frame to a running handler, and its outcome back.
#pragma once

#include <trestle/context.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/detail/unique_function.hpp>
#include <trestle/payload.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/batch_collector.hpp"
#include "dispatch/fair_budget.hpp"
#include "dispatch/kept_message.hpp"
#include "dispatch/lanes.hpp"
#include "dispatch/stop_roll.hpp"
#include "dispatch/timetable.hpp"
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
  /// The leader calls run() in this turn with what is returned, which is to be filled in: it has
  /// the payload alone. Lock held.
  virtual Message& deliver(Payload&& payload) = 0;
  /// Runs in a turn, without the lock. Lock held or not.
  virtual void defer(detail::UniqueFunction<void()> action) = 0;
  /// Sends an answer at the end of the present turn. Threads: the leader, lock not held.
  virtual void answer_in_turn(Answer&& answer) = 0;
  /// The same with a reply, as by far most answers are.
  virtual void reply_in_turn(peers::Connection& connection, wire::CallId call, Encoded&& reply) = 0;
  /// Sends an answer. Lock not held.
  virtual void answer(Answer answer) = 0;
  /// Destroys `spent` once nothing on any stack can refer to it. Lock held.
  virtual void bury(std::shared_ptr<void> spent) = 0;
  /// No message is kept any more; running() is 0. Lock not held.
  virtual void on_idle() = 0;
  virtual void log_handler_error(std::string_view handler, const Error& error) = 0;
  /// Lock held or not.
  virtual void warn(std::string text) = 0;
  /// on_time() is called in a turn from then on, or before. Lock not held.
  virtual void look_at(TimePoint time) = 0;

 protected:
  ~DispatchEvents() = default;
};

/// What may wait at once; see NodeOptions.
struct QueueLimits {
  std::size_t messages = 0;  ///< in all; likewise for one handler, for the node, in batches of one
  std::size_t bytes = 0;     ///< of all payloads that are kept beyond the turn
  std::size_t requests = 0;  ///< of one connection, until their outcome is known
  std::size_t running = 0;   ///< handlers of the application at once; 0: no limit
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
        places_(limits.messages, modest_messages),
        kept_bytes_(limits.bytes),
        node_permits_(limits.running) {}

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

  /// Ends what was to wait until a time that has come. Threads: the leader, lock not held.
  void on_time();

  /// From now on every request is refused as draining, and no batch waits for more. Lock held.
  void close_gate();
  /// Refuses what has not started, as draining. `unstarted`: what is known of from elsewhere. Lock
  /// not held.
  void refuse_waiting(const std::vector<std::shared_ptr<KeptMessage>>& unstarted);

  /// Messages that are kept and owe their outcome still.
  std::size_t running() const noexcept { return running_.load(std::memory_order_seq_cst); }

  /// Of those, messages that wait to start.
  std::size_t waiting() const noexcept { return places_.amount_taken(); }

  /// Lanes that are in use, or were of late.
  std::size_t lanes() const { return lanes_.size(); }

  std::uint64_t received() const noexcept { return received_; }
  /// A request that could not even be read was refused with that code.
  void count_rejected(Errc code) noexcept;
  /// Of all messages, rejected ones included.
  const Tally& tally() const noexcept { return handlers_.tally(); }

 private:
  /// Of one connection: what pool and permits have room for, it may have waiting.
  static constexpr std::size_t modest_messages = 64;

  class TurnResponder;
  class KeptResponder;
  using MessagePtr = std::shared_ptr<KeptMessage>;
  using BatchPtr = std::shared_ptr<KeptBatch>;

  /// False: the request cannot be run, and was refused. Looks the handler up on its first message.
  bool admit(peers::Connection& connection, const wire::Request& request,
             peers::HandlerName& handler);
  /// `entry`: that of the handler, if there is one.
  void refuse(peers::Connection& connection, const wire::Request& request, registry::Entry* entry,
              const Error& error);
  /// False: it must be kept, to run on a worker, or later.
  bool runs_in_turn(const registry::Entry& entry) const noexcept {
    return entry.is_direct && (!node_permits_.is_limited() || entry.is_systems());
  }
  /// All but the payload.
  void fill(Message& message, peers::Connection& connection, registry::Entry& entry,
            wire::Request& request);
  void keep_and_start(Message message, engine::PacketSource& source, const wire::Request& request);
  MessagePtr keep(const Message& message);
  /// As if it had never been kept. Lock held.
  void forgo(KeptMessage& message);

  // ---- On the way to the start ----

  /// The gates that all runs of a handler pass, but for lanes.
  void add_gates(Passage& run, registry::Entry& entry);
  /// Lets it wait for its turn; without gates it starts. What is full, if something is.
  std::optional<Error> line_up(const MessagePtr& message);
  std::optional<Error> join_batch(const MessagePtr& message);
  void complete(const BatchPtr& batch);
  Error full_at(const Passage& run, const registry::Entry& entry, const OpenLane* lane) const;
  /// How many may wait in a lane of a handler that asks for it so.
  std::size_t room_of(const Lane& lane) const noexcept;
  void warn_if_full(const KeptMessage& message);
  template <class Run>
  Permits::Task task_for(const std::shared_ptr<Run>& run) {
    return [this, kept = run] { inherit(kept); };
  }
  template <class Run>
  void inherit(const std::shared_ptr<Run>& run);
  /// One obstacle less; without any it starts.
  template <class Run>
  void go_on(const std::shared_ptr<Run>& run) {
    if (run->obstacles.fetch_sub(1, std::memory_order_acq_rel) == 1) start(run);
  }
  void start(const MessagePtr& message);
  void start(const BatchPtr& batch);
  /// As overloaded, because there is no room where it has come to.
  void refuse_later(const MessagePtr& message);
  void refuse_later(const BatchPtr& batch);
  /// False: the message has ended.
  bool give_receipt(const MessagePtr& message);
  /// on_time() will be called then.
  void look_at(TimePoint time);

  /// Those who wait for others can be found here.
  void list(const MessagePtr& message);
  /// Its lane as well. Lock held or not.
  void leave_gates(KeptMessage& message);
  void leave_gates(KeptBatch& batch);
  /// True once: whoever asks decides what becomes of it.
  bool claim(KeptMessage& message);
  void drop_or_stop(const MessagePtr& message);
  /// Whoever claimed it ends the message without its handler.
  void drop(const MessagePtr& message, Error why);

  // ---- Running ----

  /// True: it is the caller's to run.
  bool claim_to_run(const MessagePtr& message);
  void run_kept(const MessagePtr& message);
  void run_batch(const BatchPtr& batch);
  void run_together(const std::vector<MessagePtr>& messages);
  Context context_of(Message& message, detail::Responder& responder);

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
  FairBudget places_;      // of messages that wait
  FairBudget kept_bytes_;  // of their payloads
  Permits node_permits_;
  Lanes lanes_;
  Timetable<KeptMessage> waiting_;  // at gates and in batches, until their deadlines
  Timetable<KeptBatch> batches_;    // open ones until they close, others for ever
  std::atomic<TimePoint::rep> next_look_{TimePoint::max().count()};
  const std::shared_ptr<StopRoll> roll_ = std::make_shared<StopRoll>();
  std::atomic<bool> gate_closed_{false};
  std::atomic<std::size_t> running_{0};
  std::uint64_t received_ = 0;
};

}  // namespace trestle::dispatch
