// The public face: Peer.
#include <trestle/peer.hpp>

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

Result<Encoded> Peer::invoke(std::string_view handler, DeliveryMode mode, Encoded argument) const {
  if (link_ == nullptr) return no_target();
  return link_->node->invoke(link_, handler, mode, std::move(argument), options_);
}

Result<MessageId> Peer::admit(std::string_view handler, Encoded argument) const {
  if (link_ == nullptr) return no_target();
  return link_->node->admit(link_, handler, std::move(argument));
}

void Peer::start(std::string_view handler, DeliveryMode mode, Result<Encoded> argument,
                 detail::CallCompletion done) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->start_call(link_, handler, mode, std::move(argument), options_, std::move(done));
}

void Peer::start_list(detail::CallCompletion done) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->start_system(link_, "_list_handlers", options_, std::move(done));
}

void Peer::start_ping(detail::PingCompletion done) const {
  if (link_ == nullptr) return done(no_target());
  link_->node->start_ping(link_, options_, std::move(done));
}

Result<std::chrono::nanoseconds> Peer::ping() const {
  if (link_ == nullptr) return no_target();
  return link_->node->ping(link_, options_);
}

Result<std::vector<std::string>> Peer::list_handlers() const {
  if (link_ == nullptr) return no_target();
  return read_reply<std::vector<std::string>>(
      link_->node->invoke_system(link_, "_list_handlers", options_));
}

void Peer::disconnect() const {
  if (link_ != nullptr) link_->node->disconnect(link_);
}

}  // namespace trestle
