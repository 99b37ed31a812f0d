// One call that nobody blocks for, from its making until its outcome was taken.
#pragma once

#include <trestle/detail/open_call.hpp>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "calls/call_table.hpp"
#include "engine/leadership.hpp"
#include "memory/block_allocator.hpp"
#include "peers/peer_table.hpp"

namespace trestle {
class OutgoingCalls;
}

namespace trestle::detail {

/// What a stop token does to a call.
struct CancelIfAlive {
  std::weak_ptr<Cancellable> call;
  void operator()() const {
    if (const auto target = call.lock()) target->cancel(CallCanceller::Scope::any);
  }
};

/// Threads: any, where not said otherwise. The engine's lock guards it.
/// Lifetime: its OpenCall, its cancellers, and, until its outcome is known, the node keep it; never
/// destroyed with the lock held.
class CallState final : public calls::CallSink,
                        public Cancellable,
                        public std::enable_shared_from_this<CallState> {
 public:
  static std::shared_ptr<CallState> make(OutgoingCalls& calls, const peers::PeerLinkPtr& link,
                                         std::string_view handler);

  CallState(OutgoingCalls& calls, const peers::PeerLinkPtr& link, std::string_view handler)
      : calls_(calls), link_(link), handler_(handler) {}
  ~CallState() = default;

  // ---- Of who makes the call ----

  /// From now on it waits for an outcome. Lock held.
  void begin(CallCompletion done = {});
  /// It was sent, or will be: unless it is over already, it waits at that connection. Lock held.
  void sent(peers::Connection* connection, std::uint64_t origin, wire::CallId id);
  /// It was refused, and nobody needs to know. Lock held.
  void refused() noexcept { release(); }
  /// Ends it when `stop` stops. Lock not held.
  void end_with(const std::stop_token& stop);
  bool is_over() const noexcept { return outcome_.has_value(); }

  // CallSink. Lock held.
  void accepted(HandlerContract contract) noexcept override;
  void moved_to(peers::Connection& connection) noexcept override { connection_ = &connection; }
  void complete(Result<Encoded>&& outcome) noexcept override;

  /// Runs what is due of its completions. Threads: the leader, or nobody drives any more; lock not
  /// held.
  void deliver() noexcept;

  // ---- Of its OpenCall and its cancellers. Lock not held. ----

  MessageId message_id() const noexcept;
  Result<HandlerContract> wait_accepted();
  Result<Encoded> wait_outcome();
  /// The same for who has made sure that this thread may wait.
  Result<Encoded> await_outcome();
  void on_accepted(AcceptedCompletion done);
  void on_outcome(CallCompletion done);
  bool cancel(CallCanceller::Scope scope) override;
  /// Its outcome is of no interest any more; the message is sent all the same.
  void drop() noexcept;

 private:
  enum class Awaited { nothing, acceptance, outcome };

  bool has_acceptance() const noexcept { return acceptance_.has_value() || is_over(); }
  Result<HandlerContract> acceptance() const;
  /// For whom the outcome may be taken from: what it says of the acceptance is kept.
  void settle_acceptance();
  Result<void> wait(engine::Lock& lock, Awaited what);
  /// It waits at no connection any more. Whoever kept it until then.
  std::shared_ptr<CallState> release() noexcept;
  void wake() noexcept;
  void deliver_soon(engine::Lock& lock);

  using Name = std::basic_string<char, std::char_traits<char>, memory::BlockAllocator<char>>;

  OutgoingCalls& calls_;
  const peers::PeerLinkPtr link_;  // keeps the node, too
  const Name handler_;
  std::shared_ptr<CallState> self_;          // from begin() to its outcome
  peers::Connection* connection_ = nullptr;  // where it waits, while it does
  wire::CallId id_;
  std::uint64_t origin_ = 0;
  engine::Waiter* waiter_ = nullptr;
  Awaited awaited_ = Awaited::nothing;  // by waiter_
  std::optional<Result<HandlerContract>> acceptance_;
  std::optional<Result<Encoded>> outcome_;
  AcceptedCompletion accepted_done_;
  CallCompletion done_;
  std::optional<std::stop_callback<CancelIfAlive>> stop_;
};

}  // namespace trestle::detail
