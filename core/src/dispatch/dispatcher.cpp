// Admission, running, and outcomes.
#include "dispatch/dispatcher.hpp"

#include <exception>
#include <string>
#include <utility>

#include "dispatch/handler_fit.hpp"

namespace trestle::dispatch {
namespace {

bool wants_reply(const Message& message) noexcept {
  return has_response(message.mode) && message.call.expects_outcome();
}
bool wants_receipt(const Message& message) noexcept {
  return has_receipt(message.mode) && message.call.expects_outcome();
}
/// A receipt says so before.
bool wants_start(const Message& message) noexcept {
  return message.wants_accepted && message.call.expects_outcome() && !has_receipt(message.mode);
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

// ---- Responders ---------------------------------------------------------------------------------

/// Takes an inline handler's outcome while it runs on the leader's stack.
class Dispatcher::TurnResponder final : public detail::Responder {
 public:
  TurnResponder(Dispatcher& dispatcher, const Message& message) noexcept
      : dispatcher_(dispatcher), message_(&message) {}

  void reply(Encoded&& value) override {
    const Message* message = std::exchange(message_, nullptr);
    if (message == nullptr) return;
    if (wants_reply(*message)) return give(*message, std::move(value));
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

std::unique_ptr<detail::Responder> Dispatcher::TurnResponder::detach() {
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

// ---- Admission ----------------------------------------------------------------------------------

void Dispatcher::count_rejected(Errc code) noexcept {
  ++received_;
  handlers_.tally().refused(refusal_of(Error(code, {})));
}

void Dispatcher::refuse(peers::Connection& connection, const wire::Request& request,
                        registry::Entry* entry, const Error& error) {
  const Refusal why = refusal_of(error);
  entry != nullptr ? entry->count(why) : handlers_.tally().refused(why);
  if (request.call.expects_outcome()) {
    connection.send_nack(request.call, error);
  } else if (connection.count_forgotten()) {
    connection.send_window();
  }
}

bool Dispatcher::admit(peers::Connection& connection, const wire::Request& request,
                       peers::HandlerName& handler) {
  // A Result for each message would cost more than all of this.
  const auto refused = [&](const Error& why) {
    const bool known = handler.entry != nullptr && !handler.entry->removed;
    refuse(connection, request, known ? handler.entry.get() : handlers_.find(handler.name).get(),
           why);
    return false;
  };
  if (gate_closed_.load(std::memory_order_relaxed)) {
    return refused(Error(Errc::draining, "the peer is shutting down"));
  }
  if (connection.is_congested()) {
    return refused(Error(Errc::overloaded,
                         "the outcomes of earlier requests wait to be read (queue_bytes_max)"));
  }
  if (requests_max_ != 0 &&
      connection.requests_running.load(std::memory_order_relaxed) >= requests_max_) {
    return refused(too_many_requests(requests_max_));
  }
  if (handler.entry != nullptr && handler.entry->removed.load(std::memory_order_relaxed)) {
    events_.bury(std::exchange(handler.entry, nullptr));  // messages before this one may name it
  }
  if (handler.entry == nullptr) handler.entry = handlers_.find(handler.name);
  if (handler.entry == nullptr) {
    return refused(Error(Errc::handler_not_found, "No handler for '" + handler.name + "'"));
  }
  if (fits(request.mode, handler.entry->handler.kind)) return true;
  auto checked = check_fit(request, handler.entry->handler);
  return checked.has_value() || refused(checked.error());
}

void Dispatcher::on_request(peers::Connection& connection, wire::Request& request,
                            peers::HandlerName& handler, engine::PacketSource& source) {
  ++received_;
  if (!admit(connection, request, handler)) return;
  Message message{.connection = &connection,
                  .entry = handler.entry.get(),
                  .call = request.call,
                  .mode = request.mode,
                  .codec = request.codec,
                  .wants_accepted = request.wants_accepted,
                  .deadline = {},
                  .payload = {},
                  .headers = std::move(request.headers)};
  if (request.deadline_ms != 0) {
    message.deadline = events_.recent_time() + std::chrono::milliseconds(request.deadline_ms);
  }
  const bool is_inline = message.entry->handler.options.execution == Execution::inline_;
  if (!is_inline || message.entry->permits.is_limited()) {
    return keep_and_start(std::move(message), source, request);
  }
  message.payload = source.keep(request.payload);
  // It runs in this very turn: as good as done.
  if (!request.call.expects_outcome() && connection.count_forgotten()) connection.send_window();
  events_.deliver(std::move(message));
}

void Dispatcher::keep_and_start(Message message, engine::PacketSource& source,
                                const wire::Request& request) {
  peers::Connection& connection = *message.connection;
  auto share = kept_.take(request.payload.size());
  if (!share) {
    return refuse(connection, request, message.entry, too_many_bytes(kept_.bytes_max()));
  }
  message.payload = source.keep(request.payload);
  auto kept = keep(message);
  kept->payload = std::move(message.payload);
  kept->headers = std::move(message.headers);
  kept->share = std::move(share);
  const bool with_receipt = wants_receipt(message);
  if (with_receipt) ++kept->obstacles;
  if (connection.must_announce_room()) connection.send_window();
  auto permit = Permits::Outcome::acquired;
  if (kept->entry->permits.is_limited()) {
    permit = kept->entry->permits.acquire([this, kept] { go_on(kept); }, queue_max_,
                                          &kept->permit_place);
  }
  if (permit == Permits::Outcome::full) {
    connection.requests_running.fetch_sub(1, std::memory_order_seq_cst);
    running_.fetch_sub(1, std::memory_order_release);
    return refuse(connection, request, kept->entry, overloaded());
  }
  // It cannot be answered before: that needs the lock.
  if (request.call.expects_outcome()) connection.add_running(request.call, kept);
  if (with_receipt) events_.defer([this, kept] { give_receipt(kept); });
  if (permit == Permits::Outcome::acquired) go_on(std::move(kept));
}

std::shared_ptr<KeptMessage> Dispatcher::keep(const Message& message) {
  auto kept = std::make_shared<KeptMessage>();
  kept->connection = message.connection;
  kept->entry = message.entry;
  kept->call = message.call;
  kept->mode = message.mode;
  kept->codec = message.codec;
  kept->wants_accepted = message.wants_accepted;
  kept->deadline = message.deadline;
  kept->connection_owner = message.connection->shared_from_this();
  kept->entry_owner = message.entry->shared_from_this();
  message.connection->requests_running.fetch_add(1, std::memory_order_seq_cst);
  running_.fetch_add(1, std::memory_order_relaxed);
  return kept;
}

void Dispatcher::go_on(std::shared_ptr<KeptMessage> message) {
  if (message->obstacles.fetch_sub(1, std::memory_order_acq_rel) == 1) start(std::move(message));
}

void Dispatcher::start(std::shared_ptr<KeptMessage> message) {
  if (message->entry->handler.options.execution == Execution::inline_) {
    return events_.defer([this, message = std::move(message)] { run_kept(message); });
  }
  if (pool_.submit([this, message] { run_kept(message); }, &message->worker_place)) return;
  // Refusing takes the engine's lock, which the caller may hold.
  events_.defer([this, message = std::move(message)] {
    if (message->claim()) KeptResponder(*this, message).fail(overloaded());
  });
}

void Dispatcher::give_receipt(const std::shared_ptr<KeptMessage>& message) {
  if (!message->is_waiting()) return;
  auto fits = check_payload(message->entry->handler, message->codec, message->payload.view());
  if (fits.has_error()) {
    if (message->claim()) drop(message, std::move(fits).error());
    return;
  }
  events_.answer({message->connection, message->call, Receipt{message->entry_owner}});
  go_on(message);
}

void Dispatcher::cancel(std::shared_ptr<KeptMessage> message) {
  events_.defer([this, message = std::move(message)] { drop_or_stop(message); });
}

void Dispatcher::stop(std::shared_ptr<KeptMessage> message) {
  events_.defer([message = std::move(message)] { message->request_stop(); });
}

void Dispatcher::drop_or_stop(const std::shared_ptr<KeptMessage>& message) {
  if (!message->claim()) return message->request_stop();
  drop(message, Error(Errc::cancelled, "the caller cancelled it before its handler started"));
}

void Dispatcher::drop(const std::shared_ptr<KeptMessage>& message, Error why) {
  Permits& permits = message->entry->permits;
  if (permits.is_limited()) message->has_permit = !permits.withdraw(message->permit_place);
  pool_.withdraw(message->worker_place);
  message->entry->count(refusal_of(why));
  KeptResponder(*this, message).refuse(std::move(why));
}

// ---- Running ------------------------------------------------------------------------------------

bool Dispatcher::is_still_wanted(const Message& message, TimePoint now) {
  if (!message.deadline || now < *message.deadline) return true;
  message.entry->count(Refusal::deadline_passed);
  return false;
}

void Dispatcher::run(Message& message, TimePoint now) {
  if (!is_still_wanted(message, now)) {
    if (!message.call.expects_outcome()) return;
    events_.answer_in_turn({message.connection, message.call,
                            Error(Errc::deadline_exceeded, "the message came too late")});
    return;
  }
  TurnResponder responder(*this, message);
  if (wants_receipt(message)) {
    auto fits = check_payload(message.entry->handler, message.codec, message.payload.view());
    if (fits.has_error()) return responder.fail(std::move(fits).error());
    events_.answer({message.connection, message.call, Receipt{message.entry->shared_from_this()}});
  }
  call_handler(message, responder);
}

void Dispatcher::run_kept(const std::shared_ptr<KeptMessage>& message) {
  if (!message->claim()) return;  // it was dropped
  if (!is_still_wanted(*message, events_.now())) {
    return KeptResponder(*this, message)
        .refuse(Error(Errc::deadline_exceeded, "the message waited too long"));
  }
  KeptResponder responder(*this, message);
  call_handler(*message, responder);
  // The answer may come much later; the payload need not wait for it, nor what waits for its bytes.
  message->payload = {};
  const ByteBudget::Share given_back = std::move(message->share);
}

template <class R>
void Dispatcher::call_handler(Message& message, R& responder) {
  const peers::PeerFacts& sender = message.connection->peer();
  const Handler& handler = message.entry->handler;
  Context context{.node = events_.node(),
                  .handler_name = handler.name,
                  .sender = sender.instance,
                  .message_id = message.connection->id_of_received(message.call),
                  .mode = message.mode,
                  .codec = message.codec,
                  .deadline = message.deadline,
                  .headers = std::move(message.headers),
                  .responder = &responder};
  const auto fail = [&](std::string text) {
    Error error(Errc::handler_failed, std::move(text), Ran::yes);
    // Whoever holds the later reply answers the caller, who then never learns of the exception.
    if (responder.is_spent()) return events_.log_handler_error(handler.name, error);
    responder.fail(std::move(error));
  };
  try {
    handler.function(context, message.payload, responder);
  } catch (const std::exception& e) {
    fail(handler.name + " threw: " + e.what());
  } catch (...) {
    fail(handler.name + " threw an exception of unknown type");
  }
}

void Dispatcher::count_failure(const Message& message, const Error& error) {
  // Whatever code a handler fails with, it ran; a message that cannot be decoded never got there.
  if (error.ran == Ran::no) {
    message.entry->count(refusal_of(error));
  } else {
    message.entry->count_failure();
  }
  // Where nobody waits, the log is the only place where this can be seen.
  if (!message.call.expects_outcome()) {
    events_.log_handler_error(message.entry->handler.name, error);
  }
}

void Dispatcher::leave_window(const KeptMessage& message) noexcept {
  message.connection->requests_running.fetch_sub(1, std::memory_order_seq_cst);
}

void Dispatcher::finish(KeptMessage& message) {
  if (message.entry->permits.is_limited() && message.has_permit) {
    if (Permits::Task next = message.entry->permits.release()) next();
  }
  // seq_cst: see DispatchEvents::on_idle().
  if (running_.fetch_sub(1, std::memory_order_seq_cst) == 1) events_.on_idle();
}

}  // namespace trestle::dispatch
