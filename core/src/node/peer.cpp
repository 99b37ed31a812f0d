// The public face: Peer.
#include <trestle/peer.hpp>

#include <trestle/health.hpp>
#include <trestle/statistics.hpp>

#include <algorithm>

#include "node/admin_handlers.hpp"
#include "node/node_core.hpp"
#include "node/system_handlers.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;

Error no_target() {
  return Error(Errc::no_target,
               "this Peer is empty: take one from Node::connect() or Node::peer() before calling");
}

}  // namespace

InstanceId Peer::instance_id() const {
  return link_ != nullptr ? link_->node->id_of(*link_) : InstanceId();
}

bool Peer::is_connected() const {
  return link_ != nullptr && link_->node->is_connected(link_);
}

Peer Peer::within(const Context& context) const {
  CallOptions options = options_;
  if (context.deadline) {
    options.deadline = std::min(options.deadline.value_or(*context.deadline), *context.deadline);
  }
  options.stop = context.stop_token();
  return with(std::move(options));
}

Result<Encoded> Peer::invoke(std::string_view handler, DeliveryMode mode,
                             Encoded&& argument) const {
  if (link_ == nullptr) return no_target();
  const CallTarget target{link_, handler, mode, options_};
  if (options_.retry.attempts_max > 1) {
    return link_->node->retries().invoke(target, std::move(argument));
  }
  return link_->node->calls().invoke(target, std::move(argument));
}

Result<MessageId> Peer::admit(std::string_view handler, Encoded&& argument) const {
  if (link_ == nullptr) return no_target();
  OutgoingCalls& calls = link_->node->calls();
  const CallTarget target{link_, handler, DeliveryMode::fire_and_forget, options_};
  if (argument.headers.empty()) {
    if (auto sent = calls.admit_small(target, argument.codec, argument.payload.view())) {
      return *sent;
    }
  }
  return calls.admit(target, std::move(argument));
}

Result<MessageId> Peer::admit_bytes(std::string_view handler, BytesView bytes) const {
  if (link_ == nullptr) return no_target();
  OutgoingCalls& calls = link_->node->calls();
  const CallTarget target{link_, handler, DeliveryMode::fire_and_forget, options_};
  if (auto sent = calls.admit_small(target, Codec::bytes, bytes)) return *sent;
  return calls.admit(target, {Codec::bytes, Payload::copy(bytes)});
}

Result<detail::OpenCall> Peer::open(std::string_view handler, DeliveryMode mode,
                                    Result<Encoded>&& argument, detail::CallDemand demand) const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().open({link_, handler, mode, options_}, std::move(argument),
                                   std::move(demand));
}

void Peer::start(std::string_view handler, DeliveryMode mode, Result<Encoded>&& argument,
                 detail::CallCompletion&& done, detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done(no_target());
  const CallTarget target{link_, handler, mode, options_};
  if (options_.retry.attempts_max > 1) {
    return link_->node->retries().start(target, std::move(argument), std::move(done), canceller);
  }
  link_->node->calls().start(target, std::move(argument), std::move(done), canceller);
}

void Peer::start_list(detail::CallCompletion&& done, detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->calls().start_system(
      {link_, "_list_handlers", DeliveryMode::with_response, options_}, std::move(done), canceller);
}

void Peer::start_ping(detail::PingCompletion done, detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->calls().start_ping(link_, options_, std::move(done), canceller);
}

Result<std::chrono::nanoseconds> Peer::ping() const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().ping(link_, options_);
}

Result<std::vector<std::string>> Peer::list_handlers() const {
  if (link_ == nullptr) return no_target();
  return detail::read_reply<std::vector<std::string>>(invoke_system("_list_handlers"));
}

Result<Encoded> Peer::invoke_system(std::string_view handler, Payload argument,
                                    DeliveryMode mode) const {
  CallOptions options = options_;
  options.codec = Codec::msgpack;
  return link_->node->calls().invoke_system({link_, handler, mode, options},
                                            {Codec::msgpack, std::move(argument), {}});
}

Result<Health> Peer::health_check() const {
  if (link_ == nullptr) return no_target();
  return detail::read_reply<Health>(invoke_system("_health_check"));
}

std::string_view to_string(TransportState state) noexcept {
  switch (state) {
    case TransportState::not_registered:
      return "not registered";
    case TransportState::never_connected:
      return "never connected";
    case TransportState::connected:
      return "connected";
    case TransportState::failed:
      return "failed";
    case TransportState::timed_out:
      return "timed out";
  }
  return "unknown";
}

TransportHealth Peer::transport_health(std::chrono::nanoseconds timeout) const {
  if (link_ == nullptr) return {.why = no_target()};
  TransportHealth health = link_->node->transport_of(link_);
  if (health.state != TransportState::connected) return health;
  auto answered = with_timeout(timeout).ping();
  if (answered.has_value()) return health;
  health.why = std::move(answered).error();
  health.state =
      health.why.is(Errc::deadline_exceeded) ? TransportState::timed_out : TransportState::failed;
  return health;
}

Result<bool> Peer::await_handler(std::string_view handler, std::chrono::nanoseconds timeout) const {
  if (link_ == nullptr) return no_target();
  // Saturates: what is endless for the application is so in whole milliseconds, too.
  const std::chrono::nanoseconds most = std::chrono::nanoseconds::max();
  const auto wait = timeout < most - 1ms ? std::chrono::ceil<std::chrono::milliseconds>(timeout)
                                         : std::chrono::milliseconds(most / 1ms);
  auto query = encode(Codec::msgpack, system::HandlerQuery{std::string(handler), wait.count()});
  if (query.has_error()) return std::move(query).error();
  // The peer answers within the timeout; what is on top is for the way.
  const auto on_the_way = std::max<std::chrono::nanoseconds>(std::chrono::seconds(1), wait / 8);
  const Peer patient = with_timeout(wait < most - on_the_way ? wait + on_the_way : most);
  auto reply = detail::read_reply<system::Availability>(
      patient.invoke_system("_wait_for_handler", std::move(*query)));
  if (reply.has_error()) return std::move(reply).error();
  return reply->available;
}

Result<HandlerContract> Peer::contract(std::string_view handler) const {
  if (link_ == nullptr) return no_target();
  auto name = encode(Codec::msgpack, std::string(handler));
  if (name.has_error()) return std::move(name).error();
  auto text =
      detail::read_reply<system::ContractText>(invoke_system("_contract", std::move(*name)));
  if (text.has_error()) return std::move(text).error();
  const auto kind = parse_handler_kind(text->kind);
  if (!kind) {
    return Error(Errc::bad_reply, "the peer says that '" + std::string(handler) +
                                      "' is of the unknown kind '" + text->kind + "'");
  }
  return HandlerContract{*kind, std::move(text->request_type), std::move(text->response_type)};
}

Result<NodeStatistics> Peer::statistics() const {
  if (link_ == nullptr) return no_target();
  return detail::read_reply<NodeStatistics>(invoke_system("_statistics"));
}

Result<void> Peer::request_shutdown() const {
  if (link_ == nullptr) return no_target();
  return without_value(invoke_system("_request_shutdown", {}, DeliveryMode::confirmed));
}

Result<void> Peer::register_service(const InstanceId& instance, std::string_view endpoint) const {
  if (link_ == nullptr) return no_target();
  auto query = encode(Codec::msgpack, system::ServiceQuery{.instance_id = to_string(instance),
                                                           .endpoint = std::string(endpoint),
                                                           .ipc_endpoint = {},
                                                           .tcp_endpoint = {}});
  if (query.has_error()) return std::move(query).error();
  return without_value(invoke_system("_register_service", std::move(*query)));
}

Result<bool> Peer::remove_service(const InstanceId& instance) const {
  if (link_ == nullptr) return no_target();
  auto query = encode(Codec::msgpack, system::RemovalQuery{to_string(instance), {}});
  if (query.has_error()) return std::move(query).error();
  const auto removal =
      detail::read_reply<system::Removal>(invoke_system("_remove_service", std::move(*query)));
  if (removal.has_error()) return removal.error();
  return removal->removed;
}

Result<void> Peer::ensure_bidirectional_connection() const {
  auto answered = ping();
  if (answered.has_error()) return std::move(answered).error();
  return {};
}

Result<PeerInfo> Peer::discover() const {
  if (link_ == nullptr) return no_target();
  auto found = detail::read_reply<system::Discovery>(invoke_system("_discover"));
  if (found.has_error()) return std::move(found).error();
  auto instance = parse_instance_id(found->instance_id);
  if (!instance) {
    return Error(Errc::bad_reply, "the peer gave '" + found->instance_id + "' as instance id");
  }
  HostId host;
  if (found->host) host = parse_host_id(*found->host).value_or(HostId());
  return PeerInfo{*instance, WorkerAddress(std::move(found->endpoints)), host};
}

void Peer::disconnect() const {
  if (link_ != nullptr) link_->node->disconnect(link_);
}

}  // namespace trestle
