// Small messages: straight into a packet, or, if they expect nothing, into a run that waits for
// room.
#include <algorithm>
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {

std::optional<SmallMessage> Connection::send_small(std::string_view handler, Codec codec,
                                                   BytesView payload) {
  const std::size_t bytes = wire::plain_request_bytes(payload.size());
  if (payload.size() >= Outbox::lend_bytes_min || limits_.notes == MessageNotes::each ||
      !blocked_.empty() || is_too_large(bytes) || !has_queue_room(bytes)) {
    return std::nullopt;
  }
  const std::uint32_t number = names_sent_.known_number(handler);
  if (number == 0) return std::nullopt;
  const auto id = wire::CallId::make(wire::CallId::no_slot, ++messages_sent_);
  const wire::PlainFrame message{.kind = wire::FrameKind::request,
                                 .mode = DeliveryMode::fire_and_forget,
                                 .codec = codec,
                                 .handler = number,
                                 .call = id,
                                 .payload = payload};
  if (!deferred_.empty() || !has_window()) return SmallMessage{id, defer_small(message)};
  outbox_.add_plain(message);
  outbox_.note_message();
  ++under_way_;
  ++in_doubt_;
  const bool is_first = outbox_.has_just_begun(bytes);
  return SmallMessage{id, is_first ? SmallMessage::Place::new_packet : SmallMessage::Place::packet};
}

bool Connection::send_small_call(const SmallCall& small, calls::CallSink& sink) {
  // With the name: it has to travel again if this connection is lost.
  const std::size_t bytes = wire::named_request_bytes(small.handler.size(), small.payload.size());
  if (!is_open() || !deferred_.empty() || !blocked_.empty() || !has_window() ||
      is_too_large(bytes) || !has_queue_room(bytes)) {
    return false;
  }
  const std::uint32_t number = names_sent_.known_number(small.handler);
  if (number == 0) return false;
  const auto call = calls_->acquire(sink, awaited_by(small.mode));
  if (call.has_error()) return false;
  calls::PendingCall& pending = **call;
  if (small.deadline) engine_.arm_timer(pending, *small.deadline);
  const std::size_t queued = outbox_.queued_bytes();
  pending.frame = outbox_.add_plain({.kind = wire::FrameKind::request,
                                     .mode = small.mode,
                                     .codec = small.codec,
                                     .handler = number,
                                     .deadline_ms = wire_deadline(small.deadline, small.made_at),
                                     .call = pending.id,
                                     .payload = small.payload});
  pending.may_withdraw = true;
  gathering.add(queued, outbox_.queued_bytes());
  ++under_way_;
  events_.on_output(*this);
  return true;
}

SmallMessage::Place Connection::defer_small(const wire::PlainFrame& message) {
  const std::size_t bytes = wire::plain_request_bytes(message.payload.size());
  deferred_bytes_ += bytes;
  const bool has_run = !deferred_.empty() && deferred_.back().run;
  if (has_run && deferred_.back().run->takes(bytes)) {
    deferred_.back().run->add(message);
    return SmallMessage::Place::run;
  }
  // After a full one another one is likely to become as long.
  const std::size_t likely = has_run ? MessageRun::bytes_max : bytes;
  deferred_.emplace_back().run.emplace(likely, outbox_.style()).add(message);
  return has_run ? SmallMessage::Place::new_run : SmallMessage::Place::run;
}

void Connection::send_run(MessageRun& run) {
  const std::uint32_t room =
      peer_.window == 0 ? run.size() : std::min(run.size(), peer_.window - under_way_);
  under_way_ += room;
  in_doubt_ += room;
  if (run.is_whole() && room == run.size()) {
    deferred_bytes_ -= run.frame_bytes();
    wire::Buffer packet = run.take_packet();
    outbox_.add_packet(std::move(packet), room);
  } else {
    for (std::uint32_t i = 0; i < room; ++i) {
      const wire::PlainFrame& message = run.front();
      deferred_bytes_ -= wire::plain_request_bytes(message.payload.size());
      outbox_.add_plain(message);
      outbox_.note_message();
      run.pop();
    }
  }
  events_.on_output(*this);
}

/// Another connection has other numbers for the names of handlers, and maybe other limits.
void Connection::expand_runs(const NamesSent& names) {
  const std::vector<std::string_view> known = names.in_order();
  for (auto at = deferred_.begin(); at != deferred_.end();) {
    if (!at->run) {
      ++at;
      continue;
    }
    for (MessageRun& run = *at->run; run.size() != 0; run.pop()) {
      const wire::PlainFrame& message = run.front();
      OutgoingRequest request;
      request.argument.codec = message.codec;
      request.argument.payload = Payload::copy(message.payload);
      deferred_.insert(at, {std::string(known[message.handler - 1]), std::move(request),
                            message.call, wire::plain_request_bytes(message.payload.size())});
    }
    at = deferred_.erase(at);
  }
}

}  // namespace trestle::peers
