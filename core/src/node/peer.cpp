// The public face: Peer.
#include <trestle/peer.hpp>

#include <algorithm>

#include "node/node_core.hpp"

namespace trestle {
namespace {

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

Result<Encoded> Peer::invoke(std::string_view handler, DeliveryMode mode, Encoded argument) const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().invoke({link_, handler, mode, options_}, std::move(argument));
}

Result<MessageId> Peer::admit(std::string_view handler, Encoded argument) const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().admit({link_, handler, DeliveryMode::fire_and_forget, options_},
                                    std::move(argument));
}

Result<detail::OpenCall> Peer::open(std::string_view handler, DeliveryMode mode,
                                    Result<Encoded> argument, detail::CallDemand demand) const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().open({link_, handler, mode, options_}, std::move(argument),
                                   std::move(demand));
}

void Peer::start(std::string_view handler, DeliveryMode mode, Result<Encoded> argument,
                 detail::CallCompletion done, detail::CallCanceller* canceller) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->calls().start({link_, handler, mode, options_}, std::move(argument), std::move(done),
                             canceller);
}

Result<std::chrono::nanoseconds> Peer::ping() const {
  if (link_ == nullptr) return no_target();
  return link_->node->calls().ping(link_, options_);
}

Result<std::vector<std::string>> Peer::list_handlers() const {
  if (link_ == nullptr) return no_target();
  return detail::read_reply<std::vector<std::string>>(link_->node->calls().invoke_system(
      {link_, "_list_handlers", DeliveryMode::with_response, options_}, {Codec::msgpack, {}, {}}));
}

void Peer::disconnect() const {
  if (link_ != nullptr) link_->node->disconnect(link_);
}

}  // namespace trestle
