// Binding, unbinding, and who belongs to a ROUTER.
#include "router.hpp"

#include <sys/epoll.h>
#include <algorithm>
#include <utility>

#include "zmq_error.hpp"

namespace trestle::zeromq {

Router::Router(const Shared& shared, Context& context, std::string domain, Accept accept)
    : shared_(shared),
      context_(context),
      domain_(std::move(domain)),
      accept_(std::move(accept)),
      monitor_(shared.loop, [this](MonitorEvent event) { on_event(event); }) {}

Router::~Router() {
  close();
}

sdk::Result<> Router::open(RouterPlan plan) {
  uri_ = plan.uri;
  options_ = plan.options;
  scheme_ = plan.scheme;
  path_ = std::move(plan.path);
  std::optional<PublicKeys> allowed;
  if (plan.keys) {
    allowed = plan.keys->allowed;
    secret_ = plan.keys->secret;
  }
  context_.gate().open(domain_, std::move(allowed));
  auto bound = bind(plan);
  if (bound.has_error()) {
    close();
    return bound;
  }
  phase_ = Phase::listening;
  return {};
}

sdk::Result<> Router::bind(RouterPlan& plan) {
  try {
    socket_ = zmq::socket_t(context_.zmq(), zmq::socket_type::router);
    apply(plan.options, plan.scheme, plan.packet_bytes_max, socket_);
    socket_.set(zmq::sockopt::router_mandatory, true);
    socket_.set(zmq::sockopt::router_handover, false);
    // With a domain the gate is asked in every handshake, with or without keys. libzmq lets all in
    // if nobody answers; the gate stands longer than any router.
    socket_.set(zmq::sockopt::zap_domain, domain_);
    if (plan.keys) apply(*plan.keys, socket_);
    auto monitoring =
        monitor_.open(context_.zmq(), socket_, ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED);
    if (monitoring.has_error()) return monitoring;
    // Our own socket: libzmq would remove a file at an ipc address even if somebody listens there.
    socket_.set(zmq::sockopt::use_fd, plan.socket.get());
    socket_.bind(plan.endpoint);
    static_cast<void>(plan.socket.release());
    fd_ = socket_.get(zmq::sockopt::fd);
  } catch (const zmq::error_t& failed) {
    return zmq_failure("cannot listen on " + uri_, failed.num());
  }
  const int error = shared_.loop.watch(fd_, *this, EPOLLIN);
  if (error != 0) return zmq_failure("cannot watch " + uri_, error);
  shared_.loop.enqueue(*this);
  return {};
}

sdk::Result<> Router::reopen(const SocketOptions& options, std::optional<ServerKeys> keys,
                             void* user) {
  if (options != options_ || (keys ? keys->secret : "") != secret_) {
    return sdk::Error(TT_E_ADDRINUSE,
                      "cannot listen on " + uri_ +
                          ": connections of an earlier listener still use the address, with other "
                          "options or keys");
  }
  user_ = user;
  std::optional<PublicKeys> allowed;
  if (keys) allowed = std::move(keys->allowed);
  context_.gate().open(domain_, std::move(allowed));
  phase_ = Phase::listening;
  return {};
}

void Router::unlisten() {
  if (phase_ != Phase::listening) return;
  context_.gate().close(domain_);
  path_ = transport_kit::SocketPath();
  if (!peers_.empty()) {
    phase_ = Phase::dormant;
    return report_unlistened();
  }
  phase_ = Phase::unbinding;
  const std::string endpoint = socket_.get(zmq::sockopt::last_endpoint);
  // The address is free when the monitor says so.
  if (zmq_unbind(socket_.handle(), endpoint.c_str()) == 0) return shared_.readiness.touch(*this);
  report_unlistened();
  close();
}

void Router::report_unlistened() {
  shared_.loop.tell_unlistened(user_);
}

void Router::on_event(MonitorEvent event) {
  if (event.kind == ZMQ_EVENT_DISCONNECTED) {
    return on_descriptor_closed(static_cast<int>(event.value));
  }
  if (event.kind != ZMQ_EVENT_CLOSED || phase_ != Phase::unbinding) return;
  report_unlistened();
  close();
}

void Router::close() {
  phase_ = Phase::over;
  context_.gate().close(domain_);
  monitor_.close();
  shared_.readiness.forget(*this);
  shared_.loop.forget(*this);
  if (fd_ >= 0) shared_.loop.unwatch(std::exchange(fd_, -1));
  socket_.close();
  path_ = transport_kit::SocketPath();
}

void Router::remove(Peer& peer) {
  peers_.erase(peer.id);
  std::erase(lost_, &peer);
  std::erase(blocked_, &peer);
  std::erase_if(suspects_, [&](const Suspect& suspect) { return suspect.peer == &peer; });
  if (phase_ == Phase::dormant && peers_.empty()) close();
}

}  // namespace trestle::zeromq
