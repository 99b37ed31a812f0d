// Running handlers: one message in its turn, one that was kept, or a batch.
#include <deque>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "dispatch/handler_fit.hpp"
#include "dispatch/responders.hpp"

namespace trestle::dispatch {

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

void Dispatcher::run(peers::Connection& from, const TrainMessage& message) {
  Message alone{.connection = &from,
                .entry = message.entry,
                .call = message.call,
                .mode = DeliveryMode::fire_and_forget,
                .codec = message.codec,
                .wants_accepted = false,
                .deadline = {},
                .payload = Payload::borrow(message.payload),
                .headers = {}};
  TurnResponder responder(*this, alone);
  call_handler(alone, responder);
}

bool Dispatcher::claim_to_run(const MessagePtr& message) {
  if (!claim(*message)) return false;  // it was dropped
  { const FairBudget::Share given_back = std::move(message->place); }
  if (is_still_wanted(*message, events_.now())) return true;
  KeptResponder(*this, message)
      .refuse(Error(Errc::deadline_exceeded, "the message waited too long"));
  return false;
}

void Dispatcher::run_kept(const MessagePtr& message) {
  if (!claim_to_run(message)) return;
  KeptResponder responder(*this, message);
  call_handler(*message, responder);
  // The answer may come much later; the payload need not wait for it, nor what waits for its bytes.
  message->payload = {};
  const FairBudget::Share given_back = std::move(message->bytes);
}

void Dispatcher::run_batch(const BatchPtr& batch) {
  std::vector<MessagePtr> messages = batch->entry_owner->batches->take(*batch);
  std::erase_if(messages, [this](const MessagePtr& message) { return !claim_to_run(message); });
  if (!messages.empty()) run_together(messages);
  leave_gates(*batch);
}

void Dispatcher::run_together(const std::vector<MessagePtr>& messages) {
  const Handler& handler = messages.front()->entry->handler;
  std::deque<KeptResponder> responders;
  std::vector<detail::BatchedMessage> batch;
  batch.reserve(messages.size());
  for (const MessagePtr& message : messages) {
    KeptResponder& responder = responders.emplace_back(*this, message);
    batch.push_back({context_of(*message, responder), &message->payload, &responder});
  }
  const auto fail_all = [&](const std::string& text) {
    for (KeptResponder& responder : responders) {
      if (!responder.is_spent()) responder.fail(Error(Errc::handler_failed, text, Ran::yes));
    }
  };
  try {
    handler.batch_function(batch);
  } catch (const std::exception& e) {
    fail_all(handler.name + " threw: " + e.what());
  } catch (...) {
    fail_all(handler.name + " threw an exception of unknown type");
  }
  for (const MessagePtr& message : messages) {
    message->payload = {};
    const FairBudget::Share given_back = std::move(message->bytes);
  }
}

Context Dispatcher::context_of(Message& message, detail::Responder& responder) {
  return {.node = events_.node(),
          .handler_name = message.entry->handler.name,
          .sender = message.connection->peer().instance,
          .message_id = message.connection->id_of_received(message.call),
          .mode = message.mode,
          .codec = message.codec,
          .deadline = message.deadline,
          .headers = std::move(message.headers),
          .responder = &responder};
}

template <class R>
void Dispatcher::call_handler(Message& message, R& responder) {
  const Handler& handler = message.entry->handler;
  Context context = context_of(message, responder);
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
  if (message.is_gated()) leave_gates(message);
  // A reply may outlive its node, and with it the clock of a ManualDriver. Relaxed: one that is
  // still missed while the node begins to close is as good as one that came later.
  if (!gate_closed_.load(std::memory_order_relaxed)) {
    message.entry->latency.add(events_.now() - message.kept_at);
  }
  message.entry->under_way.fetch_sub(1, std::memory_order_relaxed);
  // seq_cst: see DispatchEvents::on_idle().
  if (running_.fetch_sub(1, std::memory_order_seq_cst) == 1) events_.on_idle();
}

}  // namespace trestle::dispatch
