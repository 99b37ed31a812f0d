// Admission, running, and outcomes.
#include "dispatch/dispatcher.hpp"

#include <exception>
#include <string>
#include <utility>

namespace trestle::dispatch {
namespace {

/// Takes a handler's outcome while it runs on this stack; detach() makes one that outlives it.
class MessageResponder final : public detail::Responder {
 public:
  MessageResponder(Dispatcher& dispatcher, Message& message)
      : dispatcher_(dispatcher), message_(&message) {}

  /// Owns its message.
  MessageResponder(Dispatcher& dispatcher, std::unique_ptr<Message> message,
                   std::shared_ptr<void> owner)
      : dispatcher_(dispatcher),
        message_(message.get()),
        owner_(std::move(owner)),
        owned_(std::move(message)) {}

  void reply(Encoded value) override {
    if (Message* message = std::exchange(message_, nullptr)) {
      dispatcher_.send_reply(*message, std::move(value));
    }
  }
  void ack() override {
    if (Message* message = std::exchange(message_, nullptr)) dispatcher_.send_ack(*message);
  }
  void fail(Error error) override {
    if (Message* message = std::exchange(message_, nullptr)) {
      dispatcher_.send_failure(*message, error);
    }
  }
  /// True once it was used, or detach() moved its duty to another.
  bool is_spent() const noexcept { return message_ == nullptr; }

  std::unique_ptr<detail::Responder> detach() override {
    Message* message = std::exchange(message_, nullptr);
    auto copy = std::make_unique<Message>();
    copy->connection = message->connection;
    copy->entry = message->entry;
    copy->call = message->call;
    copy->mode = message->mode;
    copy->codec = message->codec;
    return std::make_unique<MessageResponder>(dispatcher_, std::move(copy),
                                              dispatcher_.keep_alive());
  }

 private:
  Dispatcher& dispatcher_;
  Message* message_;
  std::shared_ptr<void> owner_;  // goes last: the message's connection lives in it
  std::unique_ptr<Message> owned_;
};

std::string_view expectation(DeliveryMode mode) {
  return mode == DeliveryMode::confirmed ? "ack" : "unary";
}

/// Whether a message of that mode may run a handler of that kind.
Result<void> check_mode(DeliveryMode mode, const Handler& handler) {
  switch (mode) {
    case DeliveryMode::fire_and_forget:
      return {};
    case DeliveryMode::confirmed:
      if (handler.kind != HandlerKind::am) return {};
      break;
    case DeliveryMode::with_response:
      if (handler.kind == HandlerKind::unary) return {};
      break;
    case DeliveryMode::with_receipt_ack:
    case DeliveryMode::with_receipt_and_response:
      return Error(Errc::kind_mismatch, "delivery mode '" + std::string(to_string(mode)) +
                                            "' is not supported by this node");
  }
  return Error(Errc::kind_mismatch, "Handler type mismatch: client expects '" +
                                        std::string(expectation(mode)) + "' but handler '" +
                                        handler.name + "' is '" +
                                        std::string(to_string(handler.kind)) + "'");
}

Error overloaded() {
  return Error(Errc::overloaded,
               "too many messages wait for this handler or a worker (spawn_queue_messages)");
}

Error too_many_bytes(std::size_t limit) {
  return Error(Errc::overloaded, "the payloads that wait for handlers have " +
                                     std::to_string(limit) + " bytes or more (spawn_queue_bytes)");
}

Error too_many_requests(std::size_t limit) {
  return Error(Errc::overloaded, "the outcomes of " + std::to_string(limit) +
                                     " requests of this connection are not known yet "
                                     "(requests_max)");
}

}  // namespace

void Dispatcher::refuse(peers::Connection& connection, const wire::Request& request,
                        const Error& error) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  if (request.call.expects_outcome()) connection.send_nack(request.call, error);
}

void Dispatcher::on_request(peers::Connection& connection, const wire::Request& request,
                            std::string_view handler, engine::PacketSource& source) {
  ++received_;
  if (gate_closed_.load(std::memory_order_relaxed)) {
    return refuse(connection, request, Error(Errc::draining, "the peer is shutting down"));
  }
  if (connection.is_congested()) {
    return refuse(connection, request,
                  Error(Errc::overloaded,
                        "the outcomes of earlier requests wait to be read (queue_bytes_max)"));
  }
  if (connection.requests_running.load(std::memory_order_relaxed) >= requests_max_) {
    return refuse(connection, request, too_many_requests(requests_max_));
  }
  auto entry = handlers_.find(handler);
  if (entry == nullptr) {
    return refuse(connection, request,
                  Error(Errc::handler_not_found, "No handler for '" + std::string(handler) + "'"));
  }
  if (auto fits = check_mode(request.mode, entry->handler); fits.has_error()) {
    return refuse(connection, request, fits.error());
  }
  auto message = std::make_shared<Message>();
  message->connection = connection.shared_from_this();
  message->call = request.call;
  message->mode = request.mode;
  message->codec = request.codec;
  if (request.deadline_ms != 0) {
    message->deadline = events_.now() + std::chrono::milliseconds(request.deadline_ms);
  }
  const bool is_inline = entry->handler.options.execution == Execution::inline_;
  const bool may_wait = entry->permits.is_limited();
  if (is_inline && !may_wait) {
    message->payload = Payload::borrow(request.payload);
  } else {
    message->share = kept_.take(request.payload.size());
    if (!message->share) return refuse(connection, request, too_many_bytes(kept_.bytes_max()));
    message->payload = source.keep(request.payload);
  }
  message->entry = std::move(entry);
  count_started(*message);
  if (may_wait) {
    switch (message->entry->permits.acquire([this, message] { start(message); }, queue_max_)) {
      case Permits::Outcome::acquired:
        break;
      case Permits::Outcome::queued:
        return;
      case Permits::Outcome::full:
        count_ended(*message);
        return refuse(connection, request, overloaded());
    }
  }
  start(std::move(message));
}

void Dispatcher::start(std::shared_ptr<Message> message) {
  if (message->entry->handler.options.execution == Execution::inline_) {
    events_.defer([this, message = std::move(message)] { run(*message); });
    return;
  }
  if (pool_.submit([this, message] { run(*message); })) return;
  // Refusing takes the engine's lock, which the caller may hold.
  events_.defer([this, message = std::move(message)] { send_failure(*message, overloaded()); });
}

void Dispatcher::run(Message& message) {
  if (message.deadline && events_.now() >= *message.deadline) {
    // The caller gave up while the message waited, and counts on that it was not too late.
    refused_.fetch_add(1, std::memory_order_relaxed);
    return finish(message);
  }
  Context context{.node = events_.node(),
                  .handler_name = message.entry->handler.name,
                  .sender = message.connection->peer().instance,
                  .message_id = peers::message_id(
                      message.connection->peer().instance, message.connection->peer().incarnation,
                      message.connection->peer().connection, message.call),
                  .mode = message.mode,
                  .codec = message.codec,
                  .deadline = message.deadline};
  const std::string& name = message.entry->handler.name;
  MessageResponder responder(*this, message);
  const auto fail = [&](std::string text) {
    Error error(Errc::handler_failed, std::move(text), Ran::yes);
    // Whoever holds the later reply answers the caller, who then never learns of the exception.
    if (responder.is_spent()) return events_.log_handler_error(name, error);
    responder.fail(std::move(error));
  };
  try {
    message.entry->handler.function(context, message.payload, responder);
  } catch (const std::exception& e) {
    fail(name + " threw: " + e.what());
  } catch (...) {
    fail(name + " threw an exception of unknown type");
  }
}

void Dispatcher::send_reply(Message& message, Encoded reply) {
  if (message.mode == DeliveryMode::with_response && message.call.expects_outcome()) {
    events_.send([&] { message.connection->send_reply(message.call, std::move(reply)); });
    return finish(message);
  }
  send_ack(message);
}

void Dispatcher::send_ack(Message& message) {
  if (message.call.expects_outcome()) {
    events_.send([&] { message.connection->send_ack(message.call); });
  }
  finish(message);
}

void Dispatcher::send_failure(Message& message, const Error& error) {
  // Whatever code a handler fails with, it ran; a message that cannot be decoded never got there.
  (error.ran == Ran::no ? refused_ : handler_errors_).fetch_add(1, std::memory_order_relaxed);
  if (message.call.expects_outcome()) {
    events_.send([&] { message.connection->send_nack(message.call, error); });
  } else {
    // Nobody waits: the log is the only place where this can be seen.
    events_.log_handler_error(message.entry->handler.name, error);
  }
  finish(message);
}

void Dispatcher::finish(Message& message) {
  if (message.entry->permits.is_limited()) {
    if (Permits::Task next = message.entry->permits.release()) next();
  }
  count_ended(message);
}

void Dispatcher::count_started(const Message& message) noexcept {
  message.connection->requests_running.fetch_add(1, std::memory_order_relaxed);
  running_.fetch_add(1, std::memory_order_relaxed);
}

void Dispatcher::count_ended(const Message& message) noexcept {
  message.connection->requests_running.fetch_sub(1, std::memory_order_relaxed);
  running_.fetch_sub(1, std::memory_order_release);
}

}  // namespace trestle::dispatch
