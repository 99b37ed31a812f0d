// What a connection sends: requests, outcomes of handlers, and the calls that wait.
#include <algorithm>
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {
namespace {

std::size_t encoded_bytes(const OutgoingRequest& request) {
  if (request.argument.headers.empty() && request.expectation == nullptr) {
    return wire::named_request_bytes(request.handler.size(), request.argument.payload.size());
  }
  wire::Request frame{.handler_name = request.handler, .payload = request.argument.payload.view()};
  if (request.expectation != nullptr) {
    frame.expected_response = request.expectation->response;
    frame.expected_type = request.expectation->response_type;
  }
  return wire::encoded_bytes(frame) + request.argument.headers.encoded_bytes();
}

std::string bytes_text(std::size_t bytes) {
  return std::to_string(bytes) + " bytes";
}

}  // namespace

Error Connection::too_large(std::string_view handler, std::size_t payload_bytes,
                            std::size_t frame_bytes) const {
  const std::size_t limit = is_open() ? peer_.frame_bytes_max : limits_.message_bytes_max;
  return Error(Errc::payload_too_large,
               "payload of " + bytes_text(payload_bytes) + " for handler '" + std::string(handler) +
                   "' makes a frame of " + bytes_text(frame_bytes) + ", the peer takes at most " +
                   bytes_text(limit) + " (its message_bytes_max)");
}

Error Connection::queue_full() const {
  return Error(Errc::queue_full, "send queue full: " + bytes_text(unsent_bytes()) +
                                     " wait on this connection, queue_bytes_max is " +
                                     std::to_string(limits_.queue_bytes_max));
}

bool Connection::has_room_for(const OutgoingRequest& request) const {
  // Most often nothing waits, and then there is room for any.
  return blocked_.empty() && (unsent_bytes() == 0 || has_queue_room(encoded_bytes(request)));
}

Result<wire::CallId> Connection::send_request(OutgoingRequest&& request, calls::CallSink* sink) {
  auto id = blocked_.empty() ? accept_request(request, sink) : refuse_to_overtake();
  dispose_of(request.argument.payload);
  return id;
}

Result<wire::CallId> Connection::refuse_to_overtake() const {
  return Error(Errc::queue_full, "send queue full: " + std::to_string(blocked_.size()) +
                                     " senders wait for room on this connection, and nobody "
                                     "overtakes them; queue_bytes_max is " +
                                     std::to_string(limits_.queue_bytes_max));
}

Result<wire::CallId> Connection::accept_request(OutgoingRequest& request, calls::CallSink* sink) {
  if (!request.argument.headers.empty()) {
    auto checked = request.argument.headers.check();
    if (checked.has_error()) return std::move(checked).error();
  }
  const std::size_t bytes = encoded_bytes(request);
  if (is_too_large(bytes)) {
    return too_large(request.handler, request.argument.payload.size(), bytes);
  }
  if (!has_queue_room(bytes)) return queue_full();
  wire::CallId id = wire::CallId::make(wire::CallId::no_slot, 0);
  calls::PendingCall* pending = nullptr;
  if (sink == nullptr) {
    id = wire::CallId::make(wire::CallId::no_slot, ++messages_sent_);
  } else {
    auto call = calls_->acquire(*sink, awaited_by(request.mode));
    if (call.has_error()) return std::move(call).error();
    pending = *call;
    id = pending->id;
    if (request.deadline) engine_.arm_timer(*pending, *request.deadline);
  }
  if (is_open() && deferred_.empty() && has_window()) {
    queue_request(request, id, pending);
  } else {
    defer_request(request, id, bytes);
  }
  return id;
}

void Connection::defer_request(OutgoingRequest& request, wire::CallId call, std::size_t bytes) {
  deferred_bytes_ += bytes;
  std::string name(request.handler);
  deferred_.push_back({std::move(name), std::move(request), call, bytes});
  if (call.expects_outcome()) deferred_calls_.emplace(call.value, std::prev(deferred_.end()));
}

void Connection::send_deferred() {
  while (!deferred_.empty() && has_window()) {
    if (deferred_.front().run) {
      send_run(*deferred_.front().run);
      if (deferred_.front().run->size() == 0) deferred_.pop_front();
      continue;
    }
    DeferredRequest next = std::move(deferred_.front());
    deferred_calls_.erase(next.call.value);
    deferred_.pop_front();
    deferred_bytes_ -= next.bytes;
    calls::PendingCall* call = calls_->find(next.call);
    if (next.call.expects_outcome() && call == nullptr && !next.is_forgotten) {  // over already
      dispose_of(next.request.argument.payload);
      continue;
    }
    next.request.handler = next.handler;
    next.request.made_at = engine_.now();
    // Only the hello told what the peer takes.
    if (!is_too_large(next.bytes)) {
      queue_request(next.request, next.call, call);
    } else {
      const auto refusal =
          too_large(next.handler, next.request.argument.payload.size(), next.bytes);
      if (call != nullptr) release(*call, refusal);
      if (call == nullptr) {
        const std::size_t payload_bytes = next.request.argument.payload.size();
        events_.on_messages_lost(*this, refusal,
                                 {.unsent = 1, .notes = {{next.handler, payload_bytes}}});
      }
    }
    dispose_of(next.request.argument.payload);
  }
  admit_blocked();
  go_on_retiring();
}

void Connection::drop_deferred(wire::CallId call) {
  const auto found = deferred_calls_.find(call.value);
  if (found == deferred_calls_.end()) return;
  const auto waiting = found->second;
  deferred_calls_.erase(found);
  deferred_bytes_ -= waiting->bytes;
  dispose_of(waiting->request.argument.payload);
  deferred_.erase(waiting);
  admit_blocked();
}

void Connection::queue_request(OutgoingRequest& request, wire::CallId id,
                               calls::PendingCall* call) {
  const NamesSent::Naming naming = names_sent_.name(request.handler);
  const std::size_t payload_bytes = request.argument.payload.size();
  const std::size_t queued = outbox_.queued_bytes();
  const FrameNumber number = add_request(request, id, naming);
  ++under_way_;
  if (call != nullptr) {
    call->frame = number;
    call->may_withdraw = naming.name.empty();
    gathering.add(queued, outbox_.queued_bytes());
  }
  if (!id.expects_outcome()) {
    outbox_.note_message();
    ++in_doubt_;
    // Without a window nobody says what is done: notes would only become more.
    if (limits_.notes == MessageNotes::each && peer_.window != 0) {
      notes_.push_back({std::string(request.handler), payload_bytes});
    }
  }
  events_.on_output(*this);
}

FrameNumber Connection::add_request(OutgoingRequest& request, wire::CallId id,
                                    const NamesSent::Naming& naming) {
  const std::uint32_t deadline_ms = wire_deadline(request.deadline, request.made_at);
  const bool is_plain = naming.name.empty() && !request.wants_accepted &&
                        request.expectation == nullptr && request.argument.headers.empty() &&
                        request.argument.payload.size() < Outbox::lend_bytes_min;
  if (is_plain) {
    return outbox_.add_plain({.kind = wire::FrameKind::request,
                              .mode = request.mode,
                              .codec = request.argument.codec,
                              .handler = naming.number,
                              .deadline_ms = deadline_ms,
                              .call = id,
                              .payload = request.argument.payload.view()});
  }
  wire::Request frame{.call = id,
                      .handler = naming.number,
                      .mode = request.mode,
                      .codec = request.argument.codec,
                      .deadline_ms = deadline_ms,
                      .handler_name = naming.name,
                      .wants_accepted = request.wants_accepted,
                      .headers = std::move(request.argument.headers)};
  if (request.expectation != nullptr) {
    frame.expected_response = request.expectation->response;
    frame.expected_type = request.expectation->response_type;
  }
  return queue_with_payload(std::move(frame), std::move(request.argument.payload));
}

bool Connection::withdraw(const calls::PendingCall& call) {
  if (!call.may_withdraw || !outbox_.withdraw(call.frame)) return false;
  handle_window(1);  // the peer never learns of it
  if (has_leases()) end_lease(bulk_->leases.take_of_frame(call.frame));
  return true;
}

// ---- Senders that wait for room ----

void Connection::wait_for_room(BlockedSend& send) {
  blocked_.push_back(&send);
}

void Connection::stop_waiting_for_room(BlockedSend& send) {
  std::erase(blocked_, &send);
}

void Connection::admit_blocked() {
  while (!blocked_.empty()) {
    BlockedSend& next = *blocked_.front();
    const std::size_t bytes = encoded_bytes(next.request);
    // Half the queue, not the first gap: whoever waited goes on with a run of messages.
    if (!has_queue_room(bytes + limits_.queue_bytes_max / 2)) return;
    blocked_.pop_front();
    next.request.made_at = engine_.now();
    auto id = accept_request(next.request, next.sink);
    dispose_of(next.request.argument.payload);
    events_.on_admitted(next, std::move(id));
  }
}

Result<wire::CallId> Connection::send_ping(calls::CallSink& sink,
                                           std::optional<TimePoint> deadline) {
  auto call = calls_->acquire(sink, calls::Awaits::pong);
  if (call.has_error()) return std::move(call).error();
  if (deadline) engine_.arm_timer(**call, *deadline);
  const wire::CallId id = (*call)->id;
  if (is_open()) {
    queue_ping(**call);
  } else {
    deferred_pings_.push_back(id);
  }
  return id;
}

void Connection::queue_ping(calls::PendingCall& call) {
  call.frame = outbox_.add(wire::Ping{call.id.value});
  events_.on_output(*this);
}

void Connection::abandon(wire::CallId id) {
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr) return;
  engine_.cancel_timer(*call);
  take_back(*call);
  calls_->release(*call);
  go_on_retiring();
}

void Connection::forget(wire::CallId id) {
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr) return;
  engine_.cancel_timer(*call);
  if (call->frame == 0) {
    if (const auto waiting = deferred_calls_.find(id.value); waiting != deferred_calls_.end()) {
      waiting->second->is_forgotten = true;
      deferred_calls_.erase(waiting);
    }
  }
  calls_->release(*call);
  go_on_retiring();
}

bool Connection::cancel(wire::CallId id, detail::CallCanceller::Scope scope) {
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr) return false;
  const bool taken_back = take_back(*call);
  if (!taken_back && scope == detail::CallCanceller::Scope::not_sent) return false;
  if (!taken_back) send_cancel(*call);
  release(*call,
          Error(Errc::cancelled, "cancelled by the caller", taken_back ? Ran::no : Ran::maybe));
  return true;
}

void Connection::on_deadline(wire::CallId id) {
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr) return;
  const bool taken_back = take_back(*call);
  if (!taken_back) send_cancel(*call);
  release(*call, Error(Errc::deadline_exceeded, "no outcome before the deadline",
                       taken_back ? Ran::no : Ran::maybe));
}

bool Connection::take_back(const calls::PendingCall& call) {
  if (call.frame != 0) return withdraw(call);
  drop_deferred(call.id);
  return true;
}

void Connection::send_cancel(const calls::PendingCall& call) {
  if (!is_open() || call.awaits == calls::Awaits::pong) return;
  outbox_.add(wire::Cancel{call.id});
  events_.on_output(*this);
}

void Connection::release(calls::PendingCall& call, Result<Encoded>&& outcome) {
  engine_.cancel_timer(call);
  calls_->release(call)->complete(std::move(outcome));
  go_on_retiring();
}

void Connection::send_window() {
  const std::uint32_t done = forgotten_.exchange(0, std::memory_order_relaxed);
  if (!is_open() || done == 0) return;
  outbox_.add(wire::Window{done});
  events_.on_output(*this);
}

void Connection::add_running(wire::CallId call,
                             const std::shared_ptr<dispatch::KeptMessage>& message) {
  if (state_ == State::closed) return events_.on_caller_lost(message);
  running_.try_emplace(call.value, message);
}

std::vector<std::shared_ptr<dispatch::KeptMessage>> Connection::running() const {
  std::vector<std::shared_ptr<dispatch::KeptMessage>> messages;
  for (const auto& entry : running_) {
    if (auto message = entry.second.lock()) messages.push_back(std::move(message));
  }
  return messages;
}

void Connection::send_accepted(const wire::Accepted& accepted) {
  if (!is_open()) return;
  outbox_.add(accepted);
  events_.on_output(*this);
}

void Connection::send_ack(wire::CallId call) {
  if (!is_open()) return;
  outbox_.add(wire::Ack{call});
  events_.on_output(*this);
}

void Connection::send_nack(wire::CallId call, const Error& error) {
  if (!is_open()) return;
  if (outbox_.queued_bytes() > 2 * limits_.queue_bytes_max) {
    // Refusals alone have filled another queue: nobody who reads them sends that many requests.
    return give_up_on_peer(
        Error(Errc::protocol_error, "the peer goes on sending requests and reads no outcome: " +
                                        bytes_text(outbox_.queued_bytes()) +
                                        " wait, queue_bytes_max is " +
                                        std::to_string(limits_.queue_bytes_max)));
  }
  const bool ours = error.code.category() == error_category();
  outbox_.add(
      wire::Nack{.call = call,
                 .code = ours ? static_cast<Errc>(error.code.value()) : Errc::handler_failed,
                 .ran = error.ran,
                 .text = error.text});
  events_.on_output(*this);
}

void Connection::send_reply(wire::CallId call, Encoded&& reply) {
  if (!is_open()) return dispose_of(reply.payload);
  const auto checked = reply.headers.empty() ? Result<void>() : reply.headers.check();
  if (checked.has_error()) {
    send_nack(call, Error(Errc::handler_failed, "the reply cannot be sent: " + checked.error().text,
                          Ran::yes));
  } else {
    queue_reply(call, reply);
  }
  dispose_of(reply.payload);
}

void Connection::queue_reply(wire::CallId call, Encoded& reply) {
  const std::size_t queued = outbox_.queued_bytes();
  const std::size_t queued_max = 2 * limits_.queue_bytes_max;
  const std::size_t plain_bytes = wire::plain_reply_bytes(reply.payload.size());
  const bool is_plain = reply.headers.empty() && reply.payload.size() < Outbox::lend_bytes_min;
  if (is_plain && plain_bytes <= peer_.frame_bytes_max && queued + plain_bytes <= queued_max &&
      !holds_too_much(plain_bytes)) {
    outbox_.add_plain_reply(call, reply.codec, reply.payload.view());
    return events_.on_output(*this);
  }
  wire::Reply frame{.call = call,
                    .codec = reply.codec,
                    .payload = reply.payload.view(),
                    .headers = std::move(reply.headers)};
  const std::size_t bytes = wire::encoded_bytes(frame);
  if (bytes > peer_.frame_bytes_max) {
    send_nack(call, Error(Errc::payload_too_large,
                          "the reply makes a frame of " + bytes_text(bytes) +
                              ", the caller takes at most " + bytes_text(peer_.frame_bytes_max) +
                              " (its message_bytes_max)",
                          Ran::yes));
    return;
  }
  if (queued != 0 && queued + bytes > queued_max) {
    // Requests are refused from queue_bytes_max on, but many may have started before.
    send_nack(call, Error(Errc::queue_full,
                          "the reply of " + bytes_text(bytes) + " was dropped: " +
                              bytes_text(queued) + " wait to be read, queue_bytes_max is " +
                              std::to_string(limits_.queue_bytes_max),
                          Ran::yes));
    return;
  }
  if (holds_too_much(bytes)) {
    send_nack(call,
              Error(Errc::queue_full,
                    "the reply of " + bytes_text(bytes) + " was dropped: " + bytes_text(queued) +
                        " wait to be read, more than is left for all connections; "
                        "unsent_bytes_max is " +
                        std::to_string(limits_.unsent->bytes_max()),
                    Ran::yes));
    return;
  }
  queue_with_payload(std::move(frame), std::move(reply.payload));
  events_.on_output(*this);
}

void Connection::send_goodbye(Errc code, std::string_view text) {
  if (state_ != State::open && state_ != State::handshaking) return;
  said_goodbye_ = true;
  outbox_.add(wire::Goodbye{code, text});
  events_.on_output(*this);
}

}  // namespace trestle::peers
