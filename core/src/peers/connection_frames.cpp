// What a connection receives, frame by frame.
#include <algorithm>
#include <utility>

#include <trestle/detail/read_reply.hpp>

#include "peers/connection.hpp"

namespace trestle::peers {

bool Connection::handle_plain(const wire::PlainFrame& frame, engine::PacketSource& source) {
  if (frame.kind == wire::FrameKind::reply) {
    handle_outcome(frame.call, Encoded{frame.codec, source.keep(frame.payload)});
  } else if (frame.kind == wire::FrameKind::ack) {
    handle_ack(frame.call);
  } else {
    wire::Request request{.call = frame.call,
                          .handler = frame.handler,
                          .mode = frame.mode,
                          .codec = frame.codec,
                          .deadline_ms = frame.deadline_ms,
                          .payload = frame.payload};
    return handle(request, source);
  }
  return true;
}

bool Connection::handle_frame(wire::Frame& frame, engine::PacketSource& source) {
  if (is_closing()) return false;
  if (const auto* hello = std::get_if<wire::Hello>(&frame)) return handle(*hello);
  if (const auto* goodbye = std::get_if<wire::Goodbye>(&frame)) return handle(*goodbye);
  if (std::holds_alternative<wire::UnknownFrame>(frame)) return true;
  if (state_ == State::handshaking) {
    return violated(Error(Errc::handshake_failed, "the first frame of a connection is hello"));
  }
  if (auto* request = std::get_if<wire::Request>(&frame)) return handle(*request, source);
  if (auto* reply = std::get_if<wire::Reply>(&frame)) {
    handle_outcome(reply->call,
                   Encoded{reply->codec, source.keep(reply->payload), std::move(reply->headers)});
  } else if (const auto* ack = std::get_if<wire::Ack>(&frame)) {
    handle_ack(ack->call);
  } else if (const auto* nack = std::get_if<wire::Nack>(&frame)) {
    handle_outcome(nack->call, Error(nack->code, std::string(nack->text), nack->ran));
  } else if (const auto* unusable = std::get_if<wire::UnusableReply>(&frame)) {
    handle_outcome(unusable->call, Error(Errc::bad_reply, unusable->text, Ran::yes));
  } else if (const auto* ping = std::get_if<wire::Ping>(&frame)) {
    // A peer that pings without reading gets no more pongs than fit the queue.
    if (!is_congested()) outbox_.add(wire::Pong{ping->cookie});
    events_.on_output(*this);
  } else if (const auto* pong = std::get_if<wire::Pong>(&frame)) {
    if (pong->cookie != heartbeat_cookie) handle_pong(wire::CallId{pong->cookie});
  } else if (const auto* accepted = std::get_if<wire::Accepted>(&frame)) {
    handle_accepted(*accepted);
  } else if (const auto* cancel = std::get_if<wire::Cancel>(&frame)) {
    handle_cancel(cancel->call);
  } else if (const auto* window = std::get_if<wire::Window>(&frame)) {
    count_done(window->credits);
    handle_window(window->credits);
  } else if (const auto* pull = std::get_if<wire::Pull>(&frame)) {
    return handle(*pull);
  } else if (const auto* pulled = std::get_if<wire::Pulled>(&frame)) {
    handle(*pulled);
  } else if (const auto* rejected = std::get_if<wire::Rejected>(&frame)) {
    return handle(*rejected);
  }
  return true;
}

bool Connection::handle(const wire::Hello& hello) {
  if (state_ != State::handshaking) {
    return violated(Error(Errc::protocol_error, "a second hello on one connection"));
  }
  if (hello.version_min > wire::protocol_version || hello.version_max < wire::protocol_version) {
    refuse(Error(Errc::version_mismatch, "the peer speaks protocol versions " +
                                             std::to_string(hello.version_min) + " to " +
                                             std::to_string(hello.version_max) + ", this node " +
                                             std::to_string(wire::protocol_version)));
    return false;
  }
  if (hello.incarnation == 0 || hello.frame_bytes_max < wire::hello_frame_bytes_max) {
    refuse(Error(Errc::handshake_failed,
                 "hello with incarnation " + std::to_string(hello.incarnation) +
                     " and frame limit " + std::to_string(hello.frame_bytes_max) +
                     ": expected at least 1 and " + std::to_string(wire::hello_frame_bytes_max)));
    return false;
  }
  learn({.instance = hello.instance,
         .incarnation = hello.incarnation,
         .connection = hello.connection,
         .frame_bytes_max = hello.frame_bytes_max,
         .window = hello.window});
  learn_bulk(hello.features);
  const auto verdict = events_.on_hello(*this, peer_);
  if (verdict.has_error()) {
    refuse(verdict.error());
    return false;
  }
  if (*verdict == Admission::later) {
    engine_.cancel_timer(limit_timer_);  // its hello came in time
    is_held_back_ = true;
    return false;
  }
  became_open();
  return true;
}

bool Connection::handle(wire::Request& request, engine::PacketSource& source) {
  if (request.handler == 0) {
    if (auto entry = names_received_.take_unnumbered()) events_.bury(std::move(entry));
  }
  HandlerName* handler = names_received_.resolve(request.handler, request.handler_name);
  if (handler == nullptr) {
    return violated(Error(Errc::protocol_error, "request for handler number " +
                                                    std::to_string(request.handler) +
                                                    ", which was never given a name"));
  }
  events_.on_request(*this, request, *handler, source);
  return !is_closing();
}

void Connection::handle_cancel(wire::CallId call) {
  const auto found = running_.find(call.value);
  if (found == running_.end()) return;
  auto message = found->second.lock();
  running_.erase(found);  // to say so again means nothing, and costs nothing
  if (message != nullptr) events_.on_cancel(std::move(message));
}

bool Connection::handle(const wire::Rejected& rejected) {
  // Only numbers are remembered; what else it names is of no use.
  if (rejected.handler != 0) names_received_.resolve(rejected.handler, rejected.handler_name);
  if (rejected.call.expects_outcome()) {
    send_nack(rejected.call, Error(rejected.code, rejected.text, Ran::no));
  } else if (count_forgotten()) {
    send_window();
  }
  events_.on_rejected(*this, rejected);
  return true;
}

bool Connection::handle(const wire::Goodbye& goodbye) {
  goodbye_ = Error(goodbye.code, std::string(goodbye.text));
  if (goodbye.code == Errc::duplicate_connection) retiring_ = true;
  go_on_retiring();
  return true;
}

void Connection::handle_window(std::size_t credits) {
  // A peer may say so of requests that it never got; there is no harm in it.
  under_way_ -= static_cast<std::uint32_t>(std::min<std::size_t>(credits, under_way_));
  if (!deferred_.empty()) send_deferred();
}

void Connection::handle_outcome(wire::CallId id, Result<Encoded>&& outcome) {
  handle_window(1);
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr || call->awaits == calls::Awaits::pong) {
    events_.on_stray_outcome();
  } else {
    release(*call, std::move(outcome));
  }
}

void Connection::handle_accepted(const wire::Accepted& accepted) {
  calls::PendingCall* call = calls_->find(accepted.call);
  if (call == nullptr || call->awaits == calls::Awaits::pong) return;
  call->sink->accepted({.kind = accepted.kind.value_or(HandlerKind::am),
                        .request_type = std::string(accepted.request_type),
                        .response_type = std::string(accepted.response_type)});
}

void Connection::handle_ack(wire::CallId id) {
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr || call->awaits != calls::Awaits::reply) {
    return handle_outcome(id, Encoded{});
  }
  handle_window(1);
  // An empty payload could pass for a reply that the handler never gave.
  release(*call, Encoded{detail::acknowledged, {}, {}});
}

void Connection::handle_pong(wire::CallId id) {
  calls::PendingCall* call = calls_->find(id);
  if (call == nullptr || call->awaits != calls::Awaits::pong) {
    events_.on_stray_outcome();
  } else {
    release(*call, Encoded{});
  }
}

}  // namespace trestle::peers
