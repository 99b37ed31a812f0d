// The public face: Peer.
#include <trestle/peer.hpp>

#include <trestle/detail/system_question.hpp>
#include <trestle/health.hpp>
#include <trestle/statistics.hpp>

#include <algorithm>

#include "node/node_core.hpp"

namespace trestle {
namespace {

using detail::SystemQuestion;

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
  return link_->node->calls().admit({link_, handler, DeliveryMode::fire_and_forget, options_},
                                    std::move(argument));
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

void Peer::start_ping(detail::PingCompletion done, detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->calls().start_ping(link_, options_, std::move(done), canceller);
}

Result<std::chrono::nanoseconds> Peer::ping() const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().ping(link_, options_);
}

// ---- Questions to the system's handlers ----

Peer Peer::patient_for(const SystemQuestion& question) const {
  return question.timeout ? with_timeout(*question.timeout) : *this;
}

Result<Encoded> Peer::ask(const SystemQuestion& question) const {
  if (link_ == nullptr) return no_target();
  if (question.argument.has_error()) return question.argument.error();
  const Peer asked = patient_for(question);
  return link_->node->calls().invoke_system(
      {link_, question.handler, question.mode, asked.options_},
      {Codec::msgpack, Payload::copy(*question.argument), {}});
}

void Peer::start_asking(const SystemQuestion& question, detail::CallCompletion&& done,
                        detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done(no_target());
  if (question.argument.has_error()) return done(question.argument.error());
  const Peer asked = patient_for(question);
  link_->node->calls().start_system({link_, question.handler, question.mode, asked.options_},
                                    {Codec::msgpack, Payload::copy(*question.argument), {}},
                                    std::move(done), canceller);
}

Result<std::vector<std::string>> Peer::list_handlers() const {
  return detail::ReadHandlers()(ask(SystemQuestion::for_handlers()));
}

Result<Health> Peer::health_check() const {
  return detail::ReadHealth()(ask(SystemQuestion::for_health()));
}

Result<bool> Peer::await_handler(std::string_view handler, std::chrono::nanoseconds timeout) const {
  return detail::ReadArrival()(ask(SystemQuestion::for_arrival(handler, timeout)));
}

Result<HandlerContract> Peer::contract(std::string_view handler) const {
  return detail::ReadContract()(ask(SystemQuestion::for_contract(handler)));
}

Result<NodeStatistics> Peer::statistics() const {
  return detail::ReadStatistics()(ask(SystemQuestion::for_statistics()));
}

Result<PeerInfo> Peer::discover() const {
  return detail::ReadIdentity()(ask(SystemQuestion::for_identity()));
}

Result<void> Peer::request_shutdown() const {
  return without_value(ask(SystemQuestion::for_shutdown()));
}

Result<void> Peer::register_service(const InstanceId& instance, std::string_view endpoint) const {
  return without_value(ask(SystemQuestion::for_service(instance, endpoint)));
}

Result<bool> Peer::remove_service(const InstanceId& instance) const {
  return detail::ReadRemoval()(ask(SystemQuestion::for_removal(instance)));
}

// ---- The way to the peer ----

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

namespace {

void add_ping(TransportHealth& health, Result<std::chrono::nanoseconds>&& answered) {
  if (answered.has_value()) return;
  health.why = std::move(answered).error();
  health.state =
      health.why.is(Errc::deadline_exceeded) ? TransportState::timed_out : TransportState::failed;
}

}  // namespace

TransportHealth Peer::transport_health(std::chrono::nanoseconds timeout) const {
  if (link_ == nullptr) return {.why = no_target()};
  TransportHealth health = link_->node->transport_of(link_);
  if (health.state == TransportState::connected) add_ping(health, with_timeout(timeout).ping());
  return health;
}

void Peer::start_transport_health(std::chrono::nanoseconds timeout,
                                  detail::TransportHealthCompletion done,
                                  detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done({.why = no_target()});
  TransportHealth health = link_->node->transport_of(link_);
  if (health.state != TransportState::connected) return done(std::move(health));
  with_timeout(timeout).start_ping(
      [health = std::move(health),
       done = std::move(done)](Result<std::chrono::nanoseconds> answered) mutable {
        add_ping(health, std::move(answered));
        done(std::move(health));
      },
      canceller);
}

Result<void> Peer::ensure_bidirectional_connection() const {
  auto answered = ping();
  if (answered.has_error()) return std::move(answered).error();
  return {};
}

void Peer::disconnect() const {
  if (link_ != nullptr) link_->node->disconnect(link_);
}

}  // namespace trestle
