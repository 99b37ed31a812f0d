// How the outcome of a message leaves the dispatcher.
#pragma once

#include <memory>
#include <stop_token>
#include <utility>

#include "dispatch/dispatcher.hpp"
#include "dispatch/handler_fit.hpp"

namespace trestle::dispatch {

inline bool wants_reply(const Message& message) noexcept {
  return has_response(message.mode) && message.call.expects_outcome();
}
inline bool wants_receipt(const Message& message) noexcept {
  return has_receipt(message.mode) && message.call.expects_outcome();
}
/// A receipt says so before.
inline bool wants_start(const Message& message) noexcept {
  return message.wants_accepted && message.call.expects_outcome() && !has_receipt(message.mode);
}

/// Takes an inline handler's outcome while it runs on the leader's stack.
class Dispatcher::TurnResponder final : public detail::Responder {
 public:
  TurnResponder(Dispatcher& dispatcher, const Message& message) noexcept
      : dispatcher_(dispatcher), message_(&message) {}

  void reply(Encoded&& value) override {
    const Message* message = std::exchange(message_, nullptr);
    if (message == nullptr) return;
    if (wants_reply(*message)) {
      return dispatcher_.events_.reply_in_turn(*message->connection, message->call,
                                               std::move(value));
    }
    if (message->call.expects_outcome()) give(*message, Acknowledged{});
  }
  void ack() override {
    const Message* message = std::exchange(message_, nullptr);
    if (message != nullptr && message->call.expects_outcome()) give(*message, Acknowledged{});
  }
  void fail(Error error) override {
    const Message* message = std::exchange(message_, nullptr);
    if (message == nullptr) return;
    dispatcher_.count_failure(*message, error);
    if (message->call.expects_outcome()) give(*message, std::move(error));
  }
  bool is_spent() const noexcept { return message_ == nullptr; }

  std::stop_token stop_token() override {
    return kept_ != nullptr ? kept_->stop_token(dispatcher_.roll_) : std::stop_token();
  }
  void started() override {
    if (!wants_start(*message_)) return;
    // Not with the answers of the turn: a later reply may be sent before those.
    dispatcher_.events_.answer({message_->connection, message_->call, Started{}});
  }
  const peers::Connection* origin() const noexcept override {
    return message_ != nullptr ? message_->connection : nullptr;
  }
  std::unique_ptr<detail::Responder> detach() override;

 private:
  template <class What>
  void give(const Message& message, What&& what) {
    dispatcher_.events_.answer_in_turn(
        {message.connection, message.call, std::forward<What>(what)});
  }

  Dispatcher& dispatcher_;
  const Message* message_;             // null once it was answered, or another took over the duty
  std::shared_ptr<KeptMessage> kept_;  // since another did
};

/// Takes the outcome of a message that is kept, on whatever thread and at whatever time.
class Dispatcher::KeptResponder final : public detail::Responder {
 public:
  KeptResponder(Dispatcher& dispatcher, std::shared_ptr<KeptMessage> message)
      : owner_(dispatcher.events_.keep_alive()),
        dispatcher_(dispatcher),
        message_(std::move(message)) {}

  void reply(Encoded&& value) override {
    KeptMessage* const message = take();
    if (message == nullptr) return;
    if (wants_reply(*message)) return give(*message, std::move(value));
    acknowledge(*message);
  }
  void ack() override {
    if (KeptMessage* const message = take()) acknowledge(*message);
  }
  void fail(Error error) override {
    KeptMessage* const message = take();
    if (message == nullptr) return;
    dispatcher_.count_failure(*message, error);
    settle(*message, std::move(error));
  }
  /// The message never reached its handler.
  void refuse(Error error) { settle(*take(), std::move(error)); }
  bool is_spent() const noexcept { return spent_; }

  std::stop_token stop_token() override { return message_->stop_token(dispatcher_.roll_); }
  void started() override {
    if (!wants_start(*message_)) return;
    dispatcher_.events_.answer({message_->connection, message_->call, Started{}});
  }
  const peers::Connection* origin() const noexcept override { return message_->connection; }
  std::unique_ptr<detail::Responder> detach() override {
    spent_ = true;
    return std::make_unique<KeptResponder>(dispatcher_, message_);
  }

 private:
  /// Null if it was answered, or another took over the duty.
  KeptMessage* take() noexcept { return std::exchange(spent_, true) ? nullptr : message_.get(); }
  void settle(KeptMessage& message, Error error) {
    if (message.call.expects_outcome()) return give(message, std::move(error));
    give_room_back(message);
    dispatcher_.finish(message);
  }
  template <class What>
  void give(KeptMessage& message, What what) {
    // Whoever has the outcome may send the next request at once.
    dispatcher_.leave_window(message);
    message.end();
    dispatcher_.events_.answer({message.connection, message.call, std::move(what)});
    dispatcher_.finish(message);
  }
  void acknowledge(KeptMessage& message) {
    if (message.call.expects_outcome()) return give(message, Acknowledged{});
    give_room_back(message);
    dispatcher_.finish(message);
  }
  void give_room_back(KeptMessage& message) {
    dispatcher_.leave_window(message);
    if (!message.occupies_window || !message.connection->count_forgotten()) return;
    dispatcher_.events_.answer({message.connection, message.call, Forgotten{}});
  }

  std::shared_ptr<void> owner_;  // goes last: the message's connection lives in it
  Dispatcher& dispatcher_;
  const std::shared_ptr<KeptMessage> message_;
  bool spent_ = false;
};

inline std::unique_ptr<detail::Responder> Dispatcher::TurnResponder::detach() {
  kept_ = dispatcher_.keep(*std::exchange(message_, nullptr));
  const std::shared_ptr<KeptMessage>& kept = kept_;
  kept->claim();
  kept->occupies_window = kept->call.expects_outcome();
  if (kept->call.expects_outcome()) {
    dispatcher_.events_.answer_in_turn({kept->connection, kept->call, Kept{kept}});
  }
  if (kept->connection->must_announce_room()) {
    dispatcher_.events_.answer_in_turn({kept->connection, kept->call, Forgotten{}});
  }
  return std::make_unique<KeptResponder>(dispatcher_, kept);
}

}  // namespace trestle::dispatch
