// Opening, listening, connecting, driving and shutting down.
#include "zmq_transport.hpp"

#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/bound_socket.hpp>
#include <trestle/transport_kit/socket_error.hpp>

#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <utility>

#include "curve_keys.hpp"
#include "dealer.hpp"

namespace trestle::zeromq {
namespace {

using transport_kit::Family;

/// An error's text with the URI that it is about.
sdk::Error about(std::string_view uri, sdk::Error error) {
  error.text = std::string(uri.substr(0, 100)) + ": " + error.text;
  return error;
}

sdk::Error shut_down() {
  return sdk::Error(TT_E_CLOSED, "the transport is shut down");
}

sdk::Result<Scheme> scheme_of(std::string_view name) {
  if (name == "zmq" || name == "zmq+tcp") return Scheme::tcp;
  if (name == "zmq+ipc") return Scheme::ipc;
  if (name == "zmq+curve") return Scheme::curve;
  return sdk::Error(TT_E_UNSUPPORTED, "scheme \"" + std::string(name.substr(0, 60)) +
                                          "\": this transport serves zmq, zmq+tcp, zmq+ipc and "
                                          "zmq+curve");
}

/// "127.0.0.1:80", "[::1]:80", "/run/x.sock", "@name".
std::string text_of(const transport_kit::Address& address) {
  const auto uri = sdk::Uri::parse(transport_kit::uri_of(address));
  return uri.has_value() ? uri->address : std::string();
}

void set_buffers(const SocketOptions& options, int fd) {
  const auto set = [fd](int name, std::int64_t bytes) {
    const int value = static_cast<int>(bytes);
    if (value > 0) ::setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
  };
  set(SO_SNDBUF, options.sndbuf);
  set(SO_RCVBUF, options.rcvbuf);
}

}  // namespace

sdk::Result<std::unique_ptr<ZmqTransport>> ZmqTransport::open(sdk::Host host,
                                                              const sdk::OpenOptions& options) {
  const auto scheme = scheme_of(options.scheme);
  if (scheme.has_error()) return scheme.error();
  if (!options.threads_allowed) {
    return sdk::Error(TT_E_UNSUPPORTED, "libzmq cannot work without threads of its own");
  }
  const auto defaults = SocketOptions::defaults(*scheme, options.defaults);
  if (defaults.has_error()) return defaults.error();
  auto loop = transport_kit::Loop::create(host);
  if (loop.has_error()) return loop.error();
  return std::unique_ptr<ZmqTransport>(
      new ZmqTransport(std::move(*loop), std::string(options.scheme), *defaults, options));
}

ZmqTransport::ZmqTransport(std::unique_ptr<transport_kit::Loop> loop, std::string scheme_name,
                           const SocketOptions& defaults, const sdk::OpenOptions& options)
    : loop_(std::move(loop)),
      readiness_(loop_->host()),
      returned_(loop_->host()),
      scheme_name_(std::move(scheme_name)),
      scheme_(scheme_of(scheme_name_).value()),
      defaults_(defaults),
      shared_{*loop_, readiness_, returned_, packets_,
              Limits{options.packet_bytes_max, options.queue_bytes_max, options.linger}} {}

ZmqTransport::~ZmqTransport() {
  // Frames that libzmq still has refer to `returned_`, so libzmq ends first.
  freed_.clear();
  connections_.clear();
  routers_.clear();
  context_.reset();
}

tt_attr ZmqTransport::attributes() const noexcept {
  tt_attr attr{};
  attr.thread_level = TT_THREAD_SERIAL;
  attr.caps =
      TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_TX_BORROW | TT_CAP_RX_HOLD | TT_CAP_OWN_THREADS;
  // The bytes of ipc never leave the kernel's memory.
  attr.caps |= scheme_ == Scheme::ipc ? TT_CAP_INTEGRITY : TT_CAP_REMOTE;
  if (scheme_ == Scheme::curve) {
    attr.caps |= TT_CAP_AUTHENTICATED | TT_CAP_ENCRYPTED | TT_CAP_INTEGRITY;
  }
  attr.wait_fd = loop_->wait_fd();
  attr.wait_flags = TT_WAIT_FD;
  attr.max_iov = segments_max;
  attr.copy_max = copy_bytes_max;
  attr.borrow_min = borrow_bytes_min;
  return attr;
}

sdk::Result<ZmqTransport::Place> ZmqTransport::place_of(std::string_view uri) const {
  auto parsed = sdk::Uri::parse(uri);
  if (parsed.has_error()) return parsed.error();
  if (parsed->scheme != scheme_name_) {
    return about(uri,
                 sdk::Error(TT_E_ADDR, "this transport was opened for " + scheme_name_ + "://"));
  }
  const auto options = defaults_.with(scheme_, parsed->options);
  if (options.has_error()) return about(uri, options.error());
  if (context_ != nullptr && (options->io_threads != context_->io_threads() ||
                              options->max_sockets != context_->max_sockets())) {
    return about(uri, sdk::Error(TT_E_ADDR,
                                 "options io_threads and max_sockets are those of the "
                                 "first URI that a transport is used with"));
  }
  parsed->options.clear();
  return Place{parsed->str(), parsed->address, *options};
}

sdk::Result<> ZmqTransport::start_context(const SocketOptions& options) {
  if (context_ != nullptr) return {};
  auto made = Context::create(loop_->host(), options);
  if (made.has_error()) return made.error();
  context_ = std::move(*made);
  return {};
}

Limits ZmqTransport::limits_for(const SocketOptions& options) const {
  Limits limits = shared_.limits;
  if (options.maxmsgsize >= 0) {
    limits.packet_bytes_max =
        std::min(limits.packet_bytes_max, static_cast<std::uint64_t>(options.maxmsgsize));
  }
  if (options.linger >= 0) limits.linger = std::chrono::milliseconds(options.linger);
  return limits;
}

sdk::Result<RouterPlan> ZmqTransport::bind(const Place& place) {
  RouterPlan plan;
  plan.scheme = scheme_;
  plan.options = place.options;
  plan.packet_bytes_max = limits_for(place.options).packet_bytes_max;
  const auto prepare = [&](int fd) { set_buffers(place.options, fd); };
  sdk::Result<transport_kit::BoundSocket> bound = transport_kit::BoundSocket();
  std::string shown;
  if (scheme_ == Scheme::ipc) {
    std::string path = place.address;
    if (path == "*") {
      auto generated = run_directory_.next_path();
      if (generated.has_error()) return generated.error();
      path = std::move(*generated);
    }
    const auto address = transport_kit::unix_address(path);
    if (address.has_error()) return address.error();
    bound = transport_kit::bind_unix(*address, prepare);
  } else {
    const Family family =
        place.options.ipv6 == 0 && place.address.starts_with("*:") ? Family::v4 : Family::any;
    const auto binding = transport_kit::tcp_binding(place.address, family);
    if (binding.has_error()) return binding.error();
    bound = transport_kit::bind_tcp(*binding, family, prepare);
    if (bound.has_value() && binding->wildcard) {
      shown = "*:" + std::to_string(transport_kit::port_of(bound->address));
    }
  }
  if (bound.has_error()) return bound.error();
  if (::listen(bound->socket.get(), SOMAXCONN) != 0) {
    return transport_kit::socket_error("cannot listen on " + place.uri, errno);
  }
  const std::string real = text_of(bound->address);
  plan.endpoint = (scheme_ == Scheme::ipc ? "ipc://" : "tcp://") + real;
  plan.uri = sdk::Uri{scheme_name_, shown.empty() ? real : shown, {}}.str();
  plan.socket = std::move(bound->socket);
  plan.path = std::move(bound->path);
  return plan;
}

Router* ZmqTransport::dormant_at(const Place& place) {
  if (scheme_ == Scheme::ipc) return nullptr;  // its path is free again
  const auto found = std::find_if(routers_.begin(), routers_.end(), [&](const auto& router) {
    return router->is_dormant() && router->uri() == place.uri;
  });
  return found == routers_.end() ? nullptr : found->get();
}

sdk::Result<Router*> ZmqTransport::listen(std::string_view uri, void* user) {
  if (phase_ != Phase::open) return shut_down();
  const auto place = place_of(uri);
  if (place.has_error()) return place.error();
  auto keys = server_keys(scheme_, place->options.curve);
  if (keys.has_error()) return about(place->uri, keys.error());
  if (Router* const dormant = dormant_at(*place); dormant != nullptr) {
    auto reopened = dormant->reopen(place->options, std::move(*keys), user);
    if (reopened.has_error()) return reopened.error();
    return dormant;
  }
  auto plan = bind(*place);
  if (plan.has_error()) return plan.error();
  plan->keys = std::move(*keys);
  if (auto started = start_context(place->options); started.has_error()) return started.error();
  auto router = std::make_unique<Router>(
      shared_, *context_, std::to_string(next_number_++),
      [this](Router& at) -> Connection& { return add_connection(at.options()); });
  router->set_user(user);
  if (auto opened = router->open(std::move(*plan)); opened.has_error()) return opened.error();
  return routers_.emplace_back(std::move(router)).get();
}

sdk::Result<DealerPlan> ZmqTransport::plan_for(const Place& place) const {
  DealerPlan plan;
  plan.scheme = scheme_;
  plan.shown = place.uri;
  plan.options = place.options;
  plan.packet_bytes_max = limits_for(place.options).packet_bytes_max;
  auto keys = client_keys(scheme_, place.options.curve);
  if (keys.has_error()) return about(place.uri, keys.error());
  plan.keys = std::move(*keys);
  if (scheme_ == Scheme::ipc) {
    const auto address = transport_kit::unix_address(place.address);
    if (address.has_error()) return address.error();
    plan.endpoint = "ipc://" + text_of(*address);
    return plan;
  }
  const auto target = transport_kit::tcp_target(place.address, Family::any);
  if (target.has_error()) return target.error();
  if (target->name.empty()) {
    plan.options.ipv6 = 1;
    plan.endpoint = "tcp://" + text_of(target->addresses.front());
  } else {
    plan.endpoint = "tcp://" + target->name + ":" + std::to_string(target->port);
  }
  return plan;
}

sdk::Result<Connection*> ZmqTransport::connect(std::string_view uri, void* user) {
  if (phase_ != Phase::open) return shut_down();
  const auto place = place_of(uri);
  if (place.has_error()) return place.error();
  const auto plan = plan_for(*place);
  if (plan.has_error()) return plan.error();
  if (auto started = start_context(place->options); started.has_error()) return started.error();
  Connection& conn = add_connection(place->options);
  auto dealer = Dealer::open(shared_, *context_, conn, *plan);
  if (dealer.has_error()) {
    connections_.erase(conn.number());
    return dealer.error();
  }
  conn.set_user(user);
  sdk::ConnectionInfo info;
  info.peer_uri = place->uri;
  conn.greet(std::move(*dealer), std::move(info),
             std::chrono::milliseconds(place->options.connect_timeout));
  return &conn;
}

Connection& ZmqTransport::add_connection(const SocketOptions& options) {
  const std::uint64_t number = next_number_++;
  auto conn = std::make_unique<Connection>(shared_, number);
  conn->set_limits(limits_for(options));
  return *connections_.emplace(number, std::move(conn)).first->second;
}

void ZmqTransport::free(Connection& conn) {
  auto owned = connections_.extract(conn.number());
  if (!owned.empty()) freed_.push_back(std::move(owned.mapped()));
}

void ZmqTransport::take_returned() {
  if (returned_.empty()) return;
  returned_.take_all([this](const Block& block) {
    const auto found = connections_.find(block.connection);
    if (found != connections_.end()) found->second->on_returned(block);
  });
}

void ZmqTransport::update_threads() {
  if (context_ == nullptr || context_->is_ending()) return;
  context_->threads().wait_for_offers(watch_.polls_alone());
}

std::int32_t ZmqTransport::progress(std::span<tt_event> events) {
  if (loop_->events().empty()) {
    // Nothing waiting means that UNLISTENED was handed out in an earlier batch.
    std::erase_if(routers_, [](const auto& router) { return router->is_over(); });
  }
  if (watch_.looks_again()) {
    watch_.begin_look(loop_->host().now());
    update_threads();
  }
  packets_.begin_round();
  readiness_.begin_round();
  loop_->begin(events);
  freed_.clear();
  take_returned();
  loop_->run();
  drive_shutdown();
  const std::size_t found = loop_->end();
  if (found != 0) {
    watch_.found();
  } else {
    watch_.found_nothing(loop_->host().now());
  }
  return static_cast<std::int32_t>(found);
}

sdk::Arming ZmqTransport::arm() {
  watch_.sleeps();
  update_threads();
  const bool quiet = readiness_.may_sleep();
  sdk::Arming arming = loop_->arm();
  if (!quiet || returned_.has_news()) arming.may_sleep = false;
  // The wake-up of shutdown(), or of the context's end, is lost on a host that was awake.
  if (can_end_more()) arming.may_sleep = false;
  return arming;
}

void ZmqTransport::shutdown() {
  if (phase_ != Phase::open) return;
  phase_ = Phase::closing;
  for (const auto& router : routers_) router->unlisten();
  for (const auto& [ignored, conn] : connections_) conn->close(sdk::CloseMode::orderly);
  loop_->host().wake();  // DOWN may be due already
}

/// Whether the end has a next step that waits for nothing but progress().
bool ZmqTransport::can_end_more() const {
  if (phase_ != Phase::closing) return false;
  const bool waits = std::any_of(connections_.begin(), connections_.end(),
                                 [](const auto& entry) { return entry.second->is_alive(); }) ||
                     std::any_of(routers_.begin(), routers_.end(),
                                 [](const auto& router) { return router->is_unbinding(); });
  if (waits) return false;
  if (context_ != nullptr && !context_->is_ending()) return true;
  if (context_ != nullptr && !context_->has_ended()) return false;
  return std::all_of(connections_.begin(), connections_.end(),
                     [](const auto& entry) { return entry.second->is_closed(); });
}

/// Connections end in good order, then sockets, then libzmq, then the transport is down.
void ZmqTransport::drive_shutdown() {
  if (!can_end_more()) return;
  if (context_ != nullptr && !context_->is_ending()) {
    for (const auto& router : routers_) router->close();
    context_->begin_end();
    return;
  }
  phase_ = Phase::down;
  loop_->tell_down();
}

}  // namespace trestle::zeromq
