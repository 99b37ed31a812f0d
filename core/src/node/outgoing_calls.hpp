// The calls of a node: checked, sent, waited for.
#pragma once

#include <trestle/node.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dispatch/worker_pool.hpp"
#include "engine/engine.hpp"
#include "engine/leadership.hpp"
#include "node/call_counts.hpp"
#include "node/call_host.hpp"
#include "peers/connection.hpp"

namespace trestle {

/// What is called, and how. Lifetime: that of a function call.
struct CallTarget {
  const peers::PeerLinkPtr& link;
  std::string_view handler;
  DeliveryMode mode;
  const CallOptions& options;
};

/// Behind Peer. Threads: any; the engine's lock is not held.
class OutgoingCalls {
 public:
  OutgoingCalls(CallHost& host, const NodeOptions& options, engine::Engine& engine,
                engine::Leadership& leadership, dispatch::WorkerPool& pool) noexcept
      : host_(host), options_(options), engine_(engine), leadership_(leadership), pool_(pool) {}

  /// Waits for the outcome.
  Result<Encoded> invoke(const CallTarget& target, Encoded&& argument);
  /// The same for a handler of the system.
  Result<Encoded> invoke_system(const CallTarget& target, Encoded&& argument);
  /// Waits for room at most.
  Result<detail::OpenCall> open(const CallTarget& target, Result<Encoded>&& argument,
                                detail::CallDemand demand);
  /// Never waits.
  Result<detail::OpenCall> open_at_once(const CallTarget& target, Encoded&& argument);
  /// Never waits. `canceller`, if any, is set before `done` could be called.
  void start(const CallTarget& target, Result<Encoded>&& argument, detail::CallCompletion&& done,
             detail::CallCanceller* canceller);
  /// The same for a handler of the system.
  void start_system(const CallTarget& target, Encoded&& argument, detail::CallCompletion&& done,
                    detail::CallCanceller* canceller);
  void start_ping(const peers::PeerLinkPtr& link, const CallOptions& options,
                  detail::PingCompletion done, detail::CallCanceller* canceller);
  /// Sends bytes that expect nothing back, if nothing stands in the way; copies them. Empty, and
  /// nothing was sent: admit() has to look.
  std::optional<MessageId> admit_small(const CallTarget& target, Codec codec, BytesView payload);
  /// Sends what expects nothing back.
  Result<MessageId> admit(const CallTarget& target, Encoded&& argument);
  Result<std::chrono::nanoseconds> ping(const peers::PeerLinkPtr& link, const CallOptions& options);

  /// When a call made at `now` ends at the latest; empty: never.
  std::optional<TimePoint> deadline_of(const CallOptions& options, TimePoint now) const;

  /// Lock held.
  const CallCounts& counts() const noexcept { return counts_; }

  /// Calls wait for an outcome that nobody blocks for. Lock held.
  bool has_unattended() const noexcept { return unattended_ != 0; }

  /// Output has left: lets senders go on that are not ahead of it any more. Lock held.
  void on_flushed() {
    if (!paced_.empty()) release_paced();
  }
  /// Nothing leaves any more. Lock held.
  void release_all_paced();

 private:
  friend class detail::CallState;
  friend class detail::PlainCall;

  /// The outcome of a call, for a thread that waits for it.
  struct OutcomeWaiter final : calls::CallSink, engine::Waiter {
    OutcomeWaiter(engine::Leadership& l, CallCounts& c, Result<Encoded>& o) noexcept
        : leadership(l), counts(c), outcome(o) {}
    void complete(Result<Encoded>&& result) noexcept override {
      counts.end(result);
      outcome = std::move(result);
      leadership.finish(*this);
    }
    void moved_to(peers::Connection& connection) noexcept override { place = &connection; }
    engine::Leadership& leadership;
    CallCounts& counts;
    Result<Encoded>& outcome;
    // Where it waits. It lives as long: who ends it completes its calls or moves them.
    peers::Connection* place = nullptr;
  };

  struct StopBlocked;

  /// A thread that has sent enough for the moment.
  struct PacedSender final : engine::Waiter {
    explicit PacedSender(const peers::Connection& c) noexcept : connection(c) {}
    const peers::Connection& connection;
  };

  /// Whether a sender waits for room, and how long; no deadline: the node's call_timeout.
  struct Patience {
    std::optional<TimePoint> deadline;
    const std::stop_token& stop;
    WhenFull when_full;
  };

  /// A request that waits for its outcome, or for leaving, at a connection.
  struct Sent {
    peers::Connection* connection;
    wire::CallId call;
  };

  /// One that was started has ended right there. Lock held.
  Error count_failed(Error why) noexcept {
    counts_.fail(why);
    return why;
  }
  /// What is the same for each call. Errors: it would be in vain.
  Result<void> prepare(const CallTarget& target, peers::OutgoingRequest& request) const;
  Result<Encoded> call(const CallTarget& target, Encoded&& argument);
  /// Puts the outcome there.
  void call_into(Result<Encoded>& outcome, const CallTarget& target, Encoded&& argument);
  /// After a wait that nothing is left for. Lock held.
  void end_wait(OutcomeWaiter& waiter, wire::CallId call);
  Result<Encoded> call_until_stopped(const CallTarget& target, peers::OutgoingRequest&& request);
  Result<std::shared_ptr<detail::CallState>> send_opened(const CallTarget& target,
                                                         peers::OutgoingRequest&& request,
                                                         WhenFull when_full);
  /// What it leaves of the request is the application's: destroyed without the lock.
  Result<Sent> send_started(const CallTarget& target, peers::OutgoingRequest& request,
                            calls::CallSink& sink);
  Result<Sent> send_started_ping(const peers::PeerLinkPtr& link, const CallOptions& options,
                                 calls::CallSink& sink);
  /// `send(sink)` leaves the call at a connection, or says why not. It holds the lock.
  template <class Send>
  void start_with(const CallTarget& target, detail::CallCompletion&& done,
                  detail::CallCanceller* canceller, Send send);
  /// The same for one that nobody can end.
  template <class Send>
  void start_plain(const CallTarget& target, detail::CallCompletion&& done, Send& send);
  /// A call with small bytes and plain options, if nothing stands in the way. False: nothing was
  /// done, start_request() has to look.
  bool start_small(const CallTarget& target, Encoded& argument, detail::CallCompletion& done);
  /// Like start_with(), unless it is clear already that it would be in vain.
  void start_request(const CallTarget& target, peers::OutgoingRequest& request,
                     Result<void>&& ready, detail::CallCompletion&& done,
                     detail::CallCanceller* canceller);
  bool must_wait_for_room(const peers::Connection& connection,
                          const peers::OutgoingRequest& request, const Patience& patience) const;
  Result<wire::CallId> send_when_room(engine::Lock& lock, peers::Connection& connection,
                                      peers::OutgoingRequest& request, calls::CallSink* sink,
                                      const Patience& patience);
  Result<wire::CallId> send_or_wait(engine::Lock& lock, peers::Connection& connection,
                                    peers::OutgoingRequest&& request, calls::CallSink* sink,
                                    const Patience& patience);
  /// As much as may wait does so, in a packet that has room for more.
  bool is_short_train(const peers::Connection& connection) const;
  /// Where a packet was begun, full ones leave, if there are any.
  void let_leave(peers::Connection& connection, peers::SmallMessage::Place place);
  /// Whether this thread may be kept from running far ahead of what leaves.
  bool may_pace() const;
  /// Does so. Lock held, but not while it waits.
  void pace(engine::Lock& lock, const peers::Connection& connection);
  void release_paced();
  /// A call was queued at `made_at`: lets it leave, with others if it can.
  void let_call_leave(peers::Connection& connection, TimePoint made_at);
  void settle_sent(engine::Lock& lock);
  /// After what may have led to output, completions and spent payloads. Lock held.
  void settle(engine::Lock& lock);
  InstanceId id_of(const detail::PeerLink& link);

  CallHost& host_;
  const NodeOptions& options_;
  engine::Engine& engine_;
  engine::Leadership& leadership_;
  dispatch::WorkerPool& pool_;
  // Under the engine's lock.
  std::size_t unattended_ = 0;
  CallCounts counts_;
  std::vector<PacedSender*> paced_;
};

/// Errors: why no call of the application may name that handler.
Result<void> check_handler_name(std::string_view handler);
/// Adds to errors that say nothing of their own where they happened.
Error with_target(Error error, std::string_view handler, const InstanceId& peer);
/// Why a worker may not wait.
Error no_worker_left();

}  // namespace trestle
