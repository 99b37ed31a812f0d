// Waiting for messages under way with Asio completion tokens, as async.hpp does for calls.
//
//   auto status = peer.message("sum").payload(v).expect_response<int>().send_detached().value();
//   Result<void> started = co_await async_await_accepted(status);
//   Result<int> sum = co_await async_await_response(std::move(status));
//
// Cancel: as for calls; the message ends, whatever was waited for.
#pragma once

#include <boost/asio/deferred.hpp>
#include <memory>
#include <utility>

#include <trestle/async.hpp>
#include <trestle/message_status.hpp>

namespace trestle {
/// @cond
namespace detail {

/// Waits for the end of a message. Copies share it: the second to start ends as invalid_argument.
class OutcomeStart {
 public:
  using Outcome = Result<Encoded>;
  using Canceller = CallCanceller;

  explicit OutcomeStart(OpenCall call) : call_(std::make_shared<OpenCall>(std::move(call))) {}
  void operator()(CallCompletion&& done, CallCanceller* canceller) {
    if (canceller != nullptr) *canceller = call_->canceller();
    call_->on_outcome(std::move(done));
  }

 private:
  std::shared_ptr<OpenCall> call_;
};

/// Waits for the start of a handler, of a message that somebody else keeps.
class AcceptanceStart {
 public:
  using Outcome = Result<HandlerContract>;
  using Canceller = CallCanceller;

  explicit AcceptanceStart(OpenCall& call) : call_(&call) {}
  void operator()(AcceptedCompletion done, CallCanceller* canceller) {
    if (canceller != nullptr) *canceller = call_->canceller();
    call_->on_accepted(std::move(done));
  }

 private:
  OpenCall* call_;
};

/// A message whose receipt came.
struct Delivery {
  OpenCall call;
  HandlerContract contract;
};

/// Waits for the receipt, and gives the message back with it.
class DeliveryStart {
 public:
  using Outcome = Result<Delivery>;
  using Canceller = CallCanceller;

  explicit DeliveryStart(OpenCall call) : call_(std::make_shared<OpenCall>(std::move(call))) {}
  void operator()(UniqueFunction<void(Outcome)> done, CallCanceller* canceller) {
    if (canceller != nullptr) *canceller = call_->canceller();
    OpenCall& call = *call_;
    call.on_accepted(
        [kept = call_, done = std::move(done)](Result<HandlerContract> accepted) mutable {
          if (accepted.has_error()) return done(std::move(accepted).error());
          done(Delivery{std::move(*kept), std::move(*accepted)});
        });
  }

 private:
  std::shared_ptr<OpenCall> call_;
};

struct DropContract {
  Result<void> operator()(const Result<HandlerContract>& accepted) const {
    if (accepted.has_error()) return accepted.error();
    return {};
  }
};

template <class Next>
struct MakeHandle {
  Result<ReceiptHandle<Next>> operator()(Result<Delivery> delivered) const {
    if (delivered.has_error()) return std::move(delivered).error();
    return ReceiptHandle<Next>(std::move(delivered->call), std::move(delivered->contract));
  }
};

}  // namespace detail
/// @endcond

/// await_response() with a completion token for `void(Result<R>)`.
template <class R, class Token = boost::asio::deferred_t>
auto async_await_response(MessageStatus<WithResponse<R>>&& status, Token&& token = Token()) {
  return detail::initiate<detail::ReadReply<R>>(detail::OutcomeStart(std::move(status.open())),
                                                std::forward<Token>(token));
}
/// The same after a receipt.
template <class R, class Token = boost::asio::deferred_t>
auto async_await_response(ReceiptHandle<ResponsePhase<R>>&& handle, Token&& token = Token()) {
  return detail::initiate<detail::ReadReply<R>>(detail::OutcomeStart(std::move(handle.open())),
                                                std::forward<Token>(token));
}

/// await_ack() with a completion token for `void(Result<void>)`.
template <class Token = boost::asio::deferred_t>
auto async_await_ack(MessageStatus<DetachedConfirm>&& status, Token&& token = Token()) {
  return detail::initiate<detail::DropReply>(detail::OutcomeStart(std::move(status.open())),
                                             std::forward<Token>(token));
}
/// The same after a receipt.
template <class Token = boost::asio::deferred_t>
auto async_await_ack(ReceiptHandle<AckPhase>&& handle, Token&& token = Token()) {
  return detail::initiate<detail::DropReply>(detail::OutcomeStart(std::move(handle.open())),
                                             std::forward<Token>(token));
}

/// await_accepted() with a completion token for `void(Result<void>)`. Lifetime: keep the status
/// until then.
template <class R, class Token = boost::asio::deferred_t>
auto async_await_accepted(MessageStatus<DetachedResponse<R>>& status, Token&& token = Token()) {
  return detail::initiate<detail::DropContract>(detail::AcceptanceStart(status.open()),
                                                std::forward<Token>(token));
}

/// await_delivery() with a completion token for `void(Result<ReceiptHandle<AckPhase>>)`, or with a
/// ResponsePhase<R>.
template <class Token = boost::asio::deferred_t>
auto async_await_delivery(ReceiptHandle<DeliveryPhase>&& handle, Token&& token = Token()) {
  return detail::initiate<detail::MakeHandle<AckPhase>>(
      detail::DeliveryStart(std::move(handle.open())), std::forward<Token>(token));
}
/// The same where a response follows.
template <class R, class Token = boost::asio::deferred_t>
auto async_await_delivery(ReceiptHandle<ResponseDeliveryPhase<R>>&& handle,
                          Token&& token = Token()) {
  return detail::initiate<detail::MakeHandle<ResponsePhase<R>>>(
      detail::DeliveryStart(std::move(handle.open())), std::forward<Token>(token));
}

}  // namespace trestle
