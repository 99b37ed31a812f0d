// What a sender holds of a message that is under way.
#pragma once

#include <utility>

#include <trestle/contract.hpp>
#include <trestle/detail/open_call.hpp>
#include <trestle/detail/read_reply.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/ids.hpp>

namespace trestle {

/// The handler ended; nothing is left to wait for.
struct SendAndConfirm {};
/// The handler's end can be waited for.
struct DetachedConfirm {};
/// The handler started; its response can be waited for.
template <class R>
struct WithResponse {};
/// The handler's start and its response can be waited for.
template <class R>
struct DetachedResponse {};

/// The receipt can be waited for, then an acknowledgement.
struct DeliveryPhase {};
/// The receipt came; the acknowledgement can be waited for.
struct AckPhase {};
/// The receipt can be waited for, then a response.
template <class R>
struct ResponseDeliveryPhase {};
/// The receipt came; the response can be waited for.
template <class R>
struct ResponsePhase {};

namespace detail {

/// A message under way. Each outcome is waited for once: waiting takes the status, and a second
/// wait for it ends as invalid_argument. Dropped, it frees its place among the node's calls; the
/// message is sent all the same. Threads: one at a time.
class OpenMessage {
 public:
  /// Made by a builder.
  explicit OpenMessage(OpenCall call) : id_(call.message_id()), call_(std::move(call)) {}

  /// Equal to what the handler sees.
  MessageId message_id() const noexcept { return id_; }
  /// Ends the message before its time: who waits for it gets `cancelled`, and the peer is told if
  /// it may have got it. False: it was over, or its outcome was taken. Another thread that shall
  /// end a wait stops the token of MessageBuilder::stop().
  bool cancel() const { return call_.canceller().cancel(); }
  /// Of the call's own functions.
  OpenCall& open() noexcept { return call_; }

 protected:
  /// The end of each await_response().
  template <class R>
  Result<R> take_response() {
    return read_reply<R>(call_.wait_outcome());
  }
  /// The end of each await_ack().
  Result<void> take_ack() {
    auto outcome = call_.wait_outcome();
    if (outcome.has_error()) return std::move(outcome).error();
    return {};
  }

  /// Of the message.
  MessageId id_;
  /// Empty once its outcome was taken.
  OpenCall call_;
};

}  // namespace detail

/// What MessageBuilder::send and its like give; which waits there are depends on `Stage`.
template <class Stage>
class [[nodiscard]] MessageStatus;

/// Of a message whose handler ended.
template <>
class [[nodiscard]] MessageStatus<SendAndConfirm> {
 public:
  /// Made by a builder.
  explicit MessageStatus(MessageId id) noexcept : id_(id) {}
  /// Equal to what the handler saw.
  MessageId message_id() const noexcept { return id_; }

 private:
  MessageId id_;
};

/// Of a message whose handler's end can be waited for.
template <>
class [[nodiscard]] MessageStatus<DetachedConfirm> : public detail::OpenMessage {
 public:
  using OpenMessage::OpenMessage;
  /// Waits until the handler ended. Errors: its refusal with its text, deadline_exceeded,
  /// cancelled, connection_lost.
  [[nodiscard]] Result<void> await_ack() && { return take_ack(); }
};

/// Of a message whose handler started.
template <class R>
class [[nodiscard]] MessageStatus<WithResponse<R>> : public detail::OpenMessage {
 public:
  using OpenMessage::OpenMessage;
  /// Waits for the response. Errors: those of Peer::call().
  [[nodiscard]] Result<R> await_response() && { return this->template take_response<R>(); }
  /// The same, undecoded.
  [[nodiscard]] Result<Encoded> await_response_raw() && {
    return this->template take_response<Encoded>();
  }
};

/// Of a message whose handler's start and response can be waited for.
template <class R>
class [[nodiscard]] MessageStatus<DetachedResponse<R>> : public MessageStatus<WithResponse<R>> {
 public:
  using MessageStatus<WithResponse<R>>::MessageStatus;
  /// Waits until the handler starts; may be repeated. A response counts as well.
  /// Errors: why it never started; those of await_response().
  [[nodiscard]] Result<void> await_accepted() & {
    auto accepted = this->call_.wait_accepted();
    if (accepted.has_error()) return std::move(accepted).error();
    return {};
  }
};

/// What a message with a receipt gives: first the receipt, then its end.
template <class Phase>
class [[nodiscard]] ReceiptHandle;

namespace detail {

/// Whose receipt came.
class DeliveredMessage : public OpenMessage {
 public:
  /// Made by await_delivery().
  DeliveredMessage(OpenCall call, HandlerContract contract)
      : OpenMessage(std::move(call)), contract_(std::move(contract)) {}
  /// What the handler takes and gives.
  const HandlerContract& contract() const noexcept { return contract_; }

 private:
  HandlerContract contract_;
};

/// Whose receipt is awaited; `Next` follows it.
template <class Next>
class UndeliveredMessage : public OpenMessage {
 public:
  using OpenMessage::OpenMessage;
  /// Waits for the receipt: the peer has a handler that does what is expected, and the payload
  /// decodes. Errors: kind_mismatch and undecodable, naming both sides, handler_not_found; those of
  /// Peer::call().
  [[nodiscard]] Result<ReceiptHandle<Next>> await_delivery() && {
    auto contract = call_.wait_accepted();
    if (contract.has_error()) {
      call_ = OpenCall();
      return std::move(contract).error();
    }
    return ReceiptHandle<Next>(std::move(call_), std::move(*contract));
  }
};

}  // namespace detail

/// After the receipt: the acknowledgement can be waited for.
template <>
class [[nodiscard]] ReceiptHandle<AckPhase> : public detail::DeliveredMessage {
 public:
  using DeliveredMessage::DeliveredMessage;
  /// Waits until the handler ended. Errors: its refusal with its text; those of Peer::confirm().
  [[nodiscard]] Result<void> await_ack() && { return take_ack(); }
};

/// After the receipt: the response can be waited for.
template <class R>
class [[nodiscard]] ReceiptHandle<ResponsePhase<R>> : public detail::DeliveredMessage {
 public:
  using DeliveredMessage::DeliveredMessage;
  /// Waits for the response. Errors: those of Peer::call().
  [[nodiscard]] Result<R> await_response() && { return this->template take_response<R>(); }
};

/// Before the receipt, which an acknowledgement follows.
template <>
class [[nodiscard]] ReceiptHandle<DeliveryPhase> : public detail::UndeliveredMessage<AckPhase> {
 public:
  using UndeliveredMessage::UndeliveredMessage;
};

/// Before the receipt, which a response follows.
template <class R>
class [[nodiscard]] ReceiptHandle<ResponseDeliveryPhase<R>>
    : public detail::UndeliveredMessage<ResponsePhase<R>> {
 public:
  using detail::UndeliveredMessage<ResponsePhase<R>>::UndeliveredMessage;
};

}  // namespace trestle
