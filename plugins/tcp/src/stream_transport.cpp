// Opening, listening, connecting, driving and shutting down.
#include "stream_transport.hpp"

#include <trestle/ext/activity.h>

#include <utility>

namespace trestle::tcp {
namespace {

using transport_kit::tcp_binding;
using transport_kit::tcp_target;
using transport_kit::unix_address;

const char* name_of(Scheme scheme) {
  return scheme == Scheme::tcp ? "tcp" : "unix";
}

/// An error's text with the URI that it is about.
sdk::Error about(std::string_view uri, sdk::Error error) {
  error.text = std::string(uri.substr(0, 100)) + ": " + error.text;
  return error;
}

constexpr tt_activity activity{
    .size = sizeof(tt_activity),
    .reserved0 = 0,
    .bytes_received = [](tt_transport*, tt_conn* conn) -> std::uint64_t {
      return reinterpret_cast<const transport_kit::StreamConnection*>(conn)->bytes_received();
    }};

sdk::Error shut_down() {
  return sdk::Error(TT_E_CLOSED, "the transport is shut down");
}

}  // namespace

sdk::Result<std::unique_ptr<StreamTransport>> StreamTransport::open(
    sdk::Host host, const sdk::OpenOptions& options) {
  const Scheme scheme = options.scheme == "unix" ? Scheme::unix : Scheme::tcp;
  if (options.scheme != name_of(scheme)) {
    return sdk::Error(TT_E_UNSUPPORTED, "scheme \"" + std::string(options.scheme.substr(0, 60)) +
                                            "\": this transport serves tcp and unix");
  }
  const auto defaults = StreamOptions::defaults(scheme, options.defaults);
  if (defaults.has_error()) return defaults.error();
  auto loop = transport_kit::Loop::create(host);
  if (loop.has_error()) return loop.error();
  return std::unique_ptr<StreamTransport>(
      new StreamTransport(std::move(*loop), scheme, *defaults, options));
}

StreamTransport::StreamTransport(std::unique_ptr<transport_kit::Loop> loop, Scheme scheme,
                                 const StreamOptions& defaults, const sdk::OpenOptions& options)
    : shared_(std::move(loop), options),
      scheme_(scheme),
      defaults_(defaults),
      threads_allowed_(options.threads_allowed),
      roster_(*shared_.loop) {}

const void* StreamTransport::extension(std::string_view id) noexcept {
  return id == TT_ACTIVITY_ID ? &activity : nullptr;
}

tt_attr StreamTransport::attributes() const noexcept {
  tt_attr attr{};
  attr.thread_level = TT_THREAD_SERIAL;
  attr.caps = TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_TX_BORROW | TT_CAP_RX_HOLD | TT_CAP_RX_PAUSE |
              TT_CAP_RX_FIRST;
  if (scheme_ == Scheme::tcp) {
    attr.caps |= TT_CAP_REMOTE;
    if (threads_allowed_) attr.caps |= TT_CAP_OWN_THREADS;  // for host names
  } else {
    attr.caps |= TT_CAP_INTEGRITY;  // the bytes never leave the kernel's memory
  }
  attr.wait_fd = shared_.loop->wait_fd();
  attr.wait_flags = TT_WAIT_FD;
  attr.max_msg = transport_kit::framed_packet_bytes_max;
  attr.max_iov = Connection::segments_max;
  attr.copy_max = Connection::copy_bytes_max;
  attr.borrow_min = Connection::borrow_bytes_min;
  return attr;
}

sdk::Result<StreamTransport::Place> StreamTransport::place_of(std::string_view uri) const {
  auto parsed = sdk::Uri::parse(uri);
  if (parsed.has_error()) return parsed.error();
  if (parsed->scheme != name_of(scheme_)) {
    return about(uri, sdk::Error(TT_E_ADDR, std::string("this transport was opened for ") +
                                                name_of(scheme_) + "://"));
  }
  const auto options = defaults_.with(scheme_, parsed->options);
  if (options.has_error()) return about(uri, options.error());
  parsed->options.clear();
  return Place{parsed->str(), parsed->address, *options};
}

sdk::Result<Listener*> StreamTransport::listen(std::string_view uri, void* user) {
  if (!roster_.is_open()) return shut_down();
  const auto place = place_of(uri);
  if (place.has_error()) return place.error();
  auto on_accept = [this](Listener& at, FileDescriptor socket, const Address& peer) {
    add_connection(at.options()).accept(std::move(socket), peer, at.user());
  };
  auto listener =
      std::make_unique<Listener>(*shared_.loop, place->options, user, std::move(on_accept));
  if (auto opened = open_listener(*listener, *place); opened.has_error()) return opened.error();
  return &roster_.add(std::move(listener));
}

sdk::Result<> StreamTransport::open_listener(Listener& listener, const Place& place) {
  if (scheme_ == Scheme::tcp) {
    const auto binding = tcp_binding(place.address, place.options.family);
    return binding.has_error() ? binding.error() : listener.open_tcp(*binding);
  }
  std::string path = place.address;
  if (path == "*") {
    auto generated = run_directory_.next_path();
    if (generated.has_error()) return generated.error();
    path = std::move(*generated);
  }
  const auto address = unix_address(path);
  return address.has_error() ? address.error() : listener.open_unix(*address);
}

sdk::Result<StreamTransport::Connection*> StreamTransport::connect(std::string_view uri,
                                                                   void* user) {
  if (!roster_.is_open()) return shut_down();
  const auto place = place_of(uri);
  if (place.has_error()) return place.error();
  auto target = target_of(*place);
  if (target.has_error()) return target.error();
  Connection& conn = add_connection(place->options);
  conn.set_user(user);
  if (target->name.empty()) {
    conn.dial(place->uri, std::move(target->addresses));
  } else {
    look_up(conn, *place, *target);
  }
  return &conn;
}

sdk::Result<TcpTarget> StreamTransport::target_of(const Place& place) const {
  if (scheme_ == Scheme::unix) {
    const auto address = unix_address(place.address);
    if (address.has_error()) return address.error();
    TcpTarget target;
    target.addresses.push_back(*address);
    return target;
  }
  auto target = tcp_target(place.address, place.options.family);
  if (target.has_value() && !target->name.empty() && !threads_allowed_) {
    return about(place.uri, transport_kit::NameLookups::refusal());
  }
  return target;
}

StreamTransport::Connection& StreamTransport::add_connection(const StreamOptions& options) {
  const transport_kit::StreamPatience patience{.connect = options.connect_timeout,
                                               .stall = options.stall_timeout};
  return roster_.add(std::make_unique<Connection>(
      shared_, patience, [options, scheme = scheme_](int fd) { apply(options, scheme, fd); }));
}

void StreamTransport::look_up(Connection& conn, const Place& place, const TcpTarget& target) {
  conn.await_addresses(place.uri);
  if (lookups_ == nullptr) {
    lookups_ = std::make_unique<transport_kit::NameLookups>(*shared_.loop);
  }
  lookups_->ask(&conn, {target.name, target.port, place.options.family}, [&conn](auto answer) {
    if (answer.addresses.empty()) {
      conn.give_up(answer.failure);
    } else {
      conn.dial({}, std::move(answer.addresses));
    }
  });
}

void StreamTransport::free(Connection& conn) {
  if (lookups_ != nullptr) lookups_->forget(&conn);
  roster_.free(conn);
}

tt_status StreamTransport::flush() {
  shared_.flush();
  return TT_OK;
}

std::int32_t StreamTransport::progress(std::span<tt_event> events) {
  roster_.begin_round(events);
  shared_.begin_round();
  return roster_.end_round();
}

}  // namespace trestle::tcp
