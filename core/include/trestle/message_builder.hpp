// Messages put together step by step; what can be done with them follows from the steps.
//
//   node.message("log").payload(line).target(peer).execute();                 nobody waits
//   node.message("save").payload(order).send(peer);                           waits for the end
//   node.message("sum").payload(v).expect_response<int>().send(peer)          waits for the start,
//       .value().await_response();                                            then for the response
//   node.message("save").payload(order).detach_receipt().send(peer)           does not wait
//       .value().await_delivery().value().await_ack();                        receipt, then the end
#pragma once

#include <chrono>
#include <concepts>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <trestle/codec.hpp>
#include <trestle/detail/message_draft.hpp>
#include <trestle/message_status.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>
#include <trestle/type_name.hpp>

namespace trestle {

/// How the message is delivered is open.
struct NeedsDeliveryMode {};
/// A handler shall answer with an R.
template <class R>
struct ExpectsResponse {};
/// The sender gets a receipt, then an acknowledgement.
struct WithReceipt {};
/// The sender gets a receipt, then an R.
template <class R>
struct WithReceiptAndResponse {};

/// What can be expected as a response. Who expects nothing but the handler's end uses send().
template <class R>
concept ResponseType = !std::is_void_v<R> && std::same_as<R, std::remove_cvref_t<R>>;

/// A message that is put together; Node::message() and Peer::message() begin one. `State` is what
/// was said so far of its delivery, and with it what can be done next.
/// Threads: distinct objects safe.
template <class State>
class MessageBuilder;

namespace detail {

/// What can be set, whatever the state. Each function changes this builder and returns it; copies
/// are independent, but share the payload, which is encoded once.
template <class Builder>
class MessageSettings {
 public:
  /// Made by Node::message() and Peer::message().
  explicit MessageSettings(MessageDraft draft) : draft_(std::move(draft)) {}

  /// What the handler gets, encoded here. A value that cannot be encoded makes sending fail.
  template <ArgumentValue T>
  Builder& payload(const T& value) {
    if constexpr (std::same_as<T, Payload>) {
      return raw_payload(value.view());
    } else if constexpr (std::same_as<T, Encoded>) {
      return payload(Encoded{value.codec, Payload::copy(value.payload.view()), value.headers});
    } else {
      auto bytes = encode(draft_.codec(), value);
      if (bytes.has_error()) {
        draft_.set_fault(std::move(bytes).error());
      } else {
        draft_.set_payload(draft_.codec(), std::move(*bytes));
      }
      return self();
    }
  }
  /// The same with bytes that are handed over.
  Builder& payload(Payload&& bytes) { return raw_payload(std::move(bytes)); }
  /// The same, in a codec of its own, with headers that are added to the message's.
  Builder& payload(Encoded&& encoded) {
    for (const auto& [name, value] : encoded.headers) header(name, value);
    return raw_payload(std::move(encoded.payload), encoded.codec);
  }
  /// The same with a value that is built inside the call.
  template <class T, class... Arguments>
  Builder& payload(std::in_place_type_t<T>, Arguments&&... build) {
    return payload(MessageDraft::make<T>(std::forward<Arguments>(build)...));
  }
  /// Bytes that are encoded already, in `codec`.
  Builder& raw_payload(Payload bytes, Codec codec = Codec::bytes) {
    draft_.set_payload(codec, std::move(bytes));
    return self();
  }
  /// Likewise; the bytes are copied.
  Builder& raw_payload(BytesView bytes, Codec codec = Codec::bytes) {
    return raw_payload(Payload::copy(bytes), codec);
  }
  /// Of typed payloads; before payload().
  Builder& codec(Codec codec) { return draft_.set_codec(codec), self(); }

  /// For the acceptance and the outcome together; unset: the peer's.
  Builder& timeout(std::chrono::nanoseconds timeout) { return draft_.set_timeout(timeout), self(); }
  /// On the clock of the sender's node; what comes first counts.
  Builder& deadline(TimePoint deadline) { return draft_.set_deadline(deadline), self(); }
  /// Added to the peer's.
  Builder& header(std::string_view name, std::string_view value) {
    return draft_.headers().set(name, value), self();
  }
  /// Ends what waits for this message, as cancelled.
  Builder& stop(std::stop_token token) { return draft_.set_stop(std::move(token)), self(); }
  /// Of send() and execute() that wait; a status that waits later is of one attempt.
  Builder& retry(RetryPolicy policy) { return draft_.set_retry(policy), self(); }
  /// Whom it goes to, unless sending names another.
  Builder& target(Peer peer) { return draft_.set_target(std::move(peer)), self(); }

  /// The same message for somebody else; the payload is not copied.
  Builder clone_with_target(Peer peer) const {
    MessageDraft draft = draft_;
    draft.set_target(std::move(peer));
    return Builder(std::move(draft));
  }

 protected:
  /// Sends it, and gives the status that waits for the rest.
  template <class Status>
  Result<Status> start(const Peer* to, std::string_view action, DeliveryMode mode,
                       CallDemand demand = {}) const {
    auto call = draft_.open(to, action, mode, std::move(demand));
    if (call.has_error()) return std::move(call).error();
    return Status(std::move(*call));
  }

  /// What was set so far.
  MessageDraft draft_;

 private:
  Builder& self() noexcept { return static_cast<Builder&>(*this); }
};

}  // namespace detail

/// A response is expected: send() waits for acceptance, send_detached() for nothing.
template <class R>
class MessageBuilder<ExpectsResponse<R>>
    : public detail::MessageSettings<MessageBuilder<ExpectsResponse<R>>> {
  using Settings = detail::MessageSettings<MessageBuilder>;

 public:
  using Settings::Settings;
  /// After acceptance.
  using Accepted = MessageStatus<WithResponse<R>>;
  /// Before it.
  using Detached = MessageStatus<DetachedResponse<R>>;

  /// Waits until the handler starts. Errors: no_target; why it never started; those of
  /// Peer::call().
  [[nodiscard]] Result<Accepted> send(const Peer& to) const { return send_to(&to, "send()"); }
  /// The same, to the target.
  [[nodiscard]] Result<Accepted> send() const { return send_to(nullptr, "send()"); }
  /// Likewise.
  [[nodiscard]] Result<Accepted> execute() const { return send_to(nullptr, "execute()"); }

  /// Waits for nothing. Errors: no_target; those of Peer::send().
  [[nodiscard]] Result<Detached> send_detached(const Peer& to) const { return detach(&to); }
  /// The same, to the target.
  [[nodiscard]] Result<Detached> send_detached() const { return detach(nullptr); }

 private:
  Result<Accepted> send_to(const Peer* to, std::string_view action) const {
    auto call = this->draft_.open_accepted(to, action);
    if (call.has_error()) return std::move(call).error();
    return Accepted(std::move(*call));
  }
  Result<Detached> detach(const Peer* to) const {
    return this->template start<Detached>(to, "send_detached()", DeliveryMode::with_response,
                                          {.acceptance = true});
  }
};

/// A receipt and then an R are expected.
template <class R>
class MessageBuilder<WithReceiptAndResponse<R>>
    : public detail::MessageSettings<MessageBuilder<WithReceiptAndResponse<R>>> {
  using Settings = detail::MessageSettings<MessageBuilder>;

 public:
  using Settings::Settings;
  /// Before the receipt.
  using Handle = ReceiptHandle<ResponseDeliveryPhase<R>>;

  /// Waits for nothing. Errors: no_target; those of Peer::send().
  [[nodiscard]] Result<Handle> send_with_response(const Peer& to) const { return send_to(&to); }
  /// The same, to the target.
  [[nodiscard]] Result<Handle> send_with_response() const { return send_to(nullptr); }

 private:
  static constexpr bool takes_bytes = std::same_as<R, Payload> || std::same_as<R, Encoded>;

  Result<Handle> send_to(const Peer* to) const {
    Expectation expected{.response = Expectation::Response::bytes};
    if constexpr (!takes_bytes) {
      expected = {.response = Expectation::Response::typed, .response_type = type_name<R>()};
    }
    return this->template start<Handle>(to, "send_with_response()",
                                        DeliveryMode::with_receipt_and_response,
                                        {.expectation = std::move(expected)});
  }
};

/// A receipt is expected, and then an acknowledgement or, if one says so, a response.
template <>
class MessageBuilder<WithReceipt> : public detail::MessageSettings<MessageBuilder<WithReceipt>> {
 public:
  using MessageSettings::MessageSettings;
  /// Before the receipt.
  using Handle = ReceiptHandle<DeliveryPhase>;

  /// Waits for nothing. Errors: no_target; those of Peer::send().
  [[nodiscard]] Result<Handle> send(const Peer& to) const { return send_to(&to); }
  /// The same, to the target.
  [[nodiscard]] Result<Handle> send() const { return send_to(nullptr); }

  /// The handler shall answer, with whatever type.
  MessageBuilder<WithReceiptAndResponse<Payload>> expect_bytes_response() const {
    return MessageBuilder<WithReceiptAndResponse<Payload>>(draft_);
  }
  /// The handler shall answer with a T; the receipt says whether it does.
  template <ResponseType T>
  MessageBuilder<WithReceiptAndResponse<T>> expect_typed_response() const {
    return MessageBuilder<WithReceiptAndResponse<T>>(draft_);
  }

 private:
  Result<Handle> send_to(const Peer* to) const {
    return start<Handle>(to, "send()", DeliveryMode::with_receipt_ack,
                         {.expectation = Expectation()});
  }
};

/// Nothing is said yet of how the message is delivered.
template <>
class MessageBuilder<NeedsDeliveryMode>
    : public detail::MessageSettings<MessageBuilder<NeedsDeliveryMode>> {
 public:
  using MessageSettings::MessageSettings;
  /// After the end.
  using Confirmed = MessageStatus<SendAndConfirm>;
  /// Before it.
  using Detached = MessageStatus<DetachedConfirm>;

  /// Sends to the target and forgets, as Peer::send() does. Errors: no_target; those of
  /// Peer::send().
  [[nodiscard]] Result<MessageId> execute() const { return draft_.admit("execute()"); }

  /// Waits until the handler ended; a response is dropped. Errors: no_target; those of
  /// Peer::confirm().
  [[nodiscard]] Result<Confirmed> send(const Peer& to) const { return confirm(&to); }
  /// The same, to the target.
  [[nodiscard]] Result<Confirmed> send() const { return confirm(nullptr); }

  /// Waits for nothing. Errors: no_target; those of Peer::send().
  [[nodiscard]] Result<Detached> send_detached(const Peer& to) const { return detach(&to); }
  /// The same, to the target.
  [[nodiscard]] Result<Detached> send_detached() const { return detach(nullptr); }

  /// The handler shall answer with an R: Payload, Encoded, WithHeaders<T>, or what codec.hpp takes.
  template <ResponseType R>
  MessageBuilder<ExpectsResponse<R>> expect_response() const {
    return MessageBuilder<ExpectsResponse<R>>(draft_);
  }
  /// The sender learns what the handler is before it runs.
  MessageBuilder<WithReceipt> detach_receipt() const { return MessageBuilder<WithReceipt>(draft_); }

 private:
  Result<Confirmed> confirm(const Peer* to) const {
    auto id = draft_.confirm(to, "send()");
    if (id.has_error()) return std::move(id).error();
    return Confirmed(*id);
  }
  Result<Detached> detach(const Peer* to) const {
    return start<Detached>(to, "send_detached()", DeliveryMode::confirmed);
  }
};

inline MessageBuilder<NeedsDeliveryMode> Peer::message(std::string_view handler) const {
  return MessageBuilder<NeedsDeliveryMode>(detail::MessageDraft(handler, *this));
}

inline MessageBuilder<NeedsDeliveryMode> Node::message(std::string_view handler) const {
  return MessageBuilder<NeedsDeliveryMode>(detail::MessageDraft(handler, std::nullopt));
}

}  // namespace trestle
