// Calls that are under way while their maker goes on.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <trestle/contract.hpp>
#include <trestle/detail/unique_function.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/ids.hpp>

namespace trestle::detail {

class CallState;
class Cancellable;

/// Takes the outcome of a call that nobody blocks for.
using CallCompletion = UniqueFunction<void(Result<Encoded>&&)>;
/// Takes what the peer says when it accepted the call, or why it never did.
using AcceptedCompletion = UniqueFunction<void(Result<HandlerContract>)>;

/// Ends one call before its time. Copyable; empty does nothing. Threads: any.
class TRESTLE_EXPORT CallCanceller {
 public:
  enum class Scope {
    any,       ///< the peer is told if it may have got the message
    not_sent,  ///< only if the message has not left
  };

  CallCanceller() noexcept = default;
  explicit CallCanceller(std::shared_ptr<Cancellable> call) noexcept : call_(std::move(call)) {}

  /// The call ends as `cancelled`, unless it is over. False: it goes on, or was over.
  bool cancel(Scope scope = Scope::any) const;

 private:
  std::shared_ptr<Cancellable> call_;
};

/// What a CallCanceller ends. Threads: any.
class Cancellable {
 public:
  virtual bool cancel(CallCanceller::Scope scope) = 0;

 protected:
  ~Cancellable() = default;
};

/// What else a call asks of the peer.
struct CallDemand {
  bool acceptance = false;                   ///< tell when the handler starts
  std::optional<Expectation> expectation{};  ///< for delivery modes with a receipt
};

/// One call under way, and the right to its outcome. Move-only. Dropped, it frees its place among
/// the node's calls; the message is sent all the same. Threads: one at a time.
class TRESTLE_EXPORT OpenCall {
 public:
  OpenCall() noexcept = default;
  explicit OpenCall(std::shared_ptr<CallState> state) noexcept : state_(std::move(state)) {}
  OpenCall(OpenCall&&) noexcept = default;
  OpenCall& operator=(OpenCall&& other) noexcept;
  ~OpenCall();

  /// False once it was moved from, or its outcome was taken.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  MessageId message_id() const noexcept;

  /// Blocks until the peer accepted the call. For modes with a receipt: the handler's contract.
  /// An outcome without acceptance counts: success as acceptance, an error as refusal.
  /// Errors: those of the call; may_wait rules as for Peer.
  Result<HandlerContract> wait_accepted();
  /// Blocks until the call ended, and takes its outcome: the call is empty afterwards.
  Result<Encoded> wait_outcome();

  /// `done` is called once, as Peer::async_call() says.
  void on_accepted(AcceptedCompletion done);
  /// Likewise; the call is empty afterwards. Its slot is freed at its end.
  void on_outcome(CallCompletion done);

  CallCanceller canceller() const noexcept;

 private:
  std::shared_ptr<CallState> state_;
};

}  // namespace trestle::detail
