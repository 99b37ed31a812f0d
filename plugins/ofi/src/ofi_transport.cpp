// Opening, listening, connecting, driving and shutting down.
#include "ofi_transport.hpp"

#include <algorithm>
#include <utility>

#include "library.hpp"

namespace trestle::ofi {
namespace {

using transport_kit::Loop;

/// "ofi+tcp" -> "tcp"; "ofi" -> "".
std::string provider_of(std::string_view scheme) {
  const std::size_t plus = scheme.find('+');
  return plus == std::string_view::npos ? std::string() : std::string(scheme.substr(plus + 1));
}

/// An error's text with the URI that it is about.
sdk::Error about(std::string_view uri, sdk::Error error) {
  error.text = std::string(uri.substr(0, 100)) + ": " + error.text;
  return error;
}

sdk::Error shut_down() {
  return sdk::Error(TT_E_CLOSED, "the transport is shut down");
}

}  // namespace

sdk::Result<std::unique_ptr<OfiTransport>> OfiTransport::open(sdk::Host host,
                                                              const sdk::OpenOptions& options) {
  if (options.scheme != "ofi" && !options.scheme.starts_with("ofi+")) {
    return sdk::Error(TT_E_UNSUPPORTED, "scheme \"" + std::string(options.scheme.substr(0, 60)) +
                                            "\": this transport serves ofi and ofi+PROVIDER");
  }
  const auto defaults = FabricOptions::defaults(provider_of(options.scheme), options.defaults);
  if (defaults.has_error()) return defaults.error();
  if (auto loaded = load_library(); loaded.has_error()) return loaded.error();
  const auto found = find_provider(*defaults, Advice::alternatives);
  if (found.has_error()) return found.error();
  if (!options.threads_allowed && has_threads(**found)) {
    return sdk::Error(TT_E_UNSUPPORTED, std::string("libfabric's provider \"") +
                                            (*found)->fabric_attr->prov_name +
                                            "\" needs threads of its own, and none are allowed");
  }
  auto loop = Loop::create(host);
  if (loop.has_error()) return loop.error();
  return std::unique_ptr<OfiTransport>(new OfiTransport(std::move(*loop), *defaults, options));
}

OfiTransport::OfiTransport(std::unique_ptr<Loop> loop, const FabricOptions& defaults,
                           const sdk::OpenOptions& options)
    : loop_(std::move(loop)),
      scheme_(options.scheme),
      defaults_(defaults),
      threads_allowed_(options.threads_allowed),
      shared_{*loop_,
              {},
              {options.packet_bytes_max, options.queue_bytes_max, options.linger,
               options.first_packet_bytes_max},
              {},
              {}},
      roster_(*loop_) {}

tt_attr OfiTransport::attributes() const noexcept {
  tt_attr attr{};
  attr.thread_level = TT_THREAD_SERIAL;
  attr.caps = TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_LOSS_NOTICE | TT_CAP_TX_BORROW |
              TT_CAP_RX_HOLD | TT_CAP_RX_PAUSE | TT_CAP_REMOTE | TT_CAP_RX_FIRST;
  if (threads_allowed_) attr.caps |= TT_CAP_OWN_THREADS;  // for host names; `sockets` has some, too
  attr.wait_fd = loop_->wait_fd();
  attr.wait_flags = TT_WAIT_FD;
  attr.max_iov = segments_max;
  attr.copy_max = copy_bytes_max;
  attr.borrow_min = borrow_bytes_min;
  return attr;
}

sdk::Result<OfiTransport::Place> OfiTransport::place_of(std::string_view uri) const {
  auto parsed = sdk::Uri::parse(uri);
  if (parsed.has_error()) return parsed.error();
  if (parsed->scheme != scheme_) {
    return about(uri, sdk::Error(TT_E_ADDR, "this transport was opened for " + scheme_ + "://"));
  }
  const auto options = defaults_.with(parsed->options);
  if (options.has_error()) return about(uri, options.error());
  return Place{std::string(uri), parsed->address, *options};
}

sdk::Result<Listener*> OfiTransport::listen(std::string_view uri, void* user) {
  if (!roster_.is_open()) return shut_down();
  auto place = place_of(uri);
  if (place.has_error()) return place.error();
  auto on_request = [this](Listener& at, InfoPtr request, std::span<const std::byte> greeting) {
    accept(at, std::move(request), greeting);
  };
  auto listener = std::make_unique<Listener>(*loop_, place->options, user, std::move(on_request));
  if (auto opened = open_listener(*listener, *place); opened.has_error()) {
    return about(uri, opened.error());
  }
  return &roster_.add(std::move(listener));
}

sdk::Result<> OfiTransport::open_listener(Listener& listener, const Place& place) {
  const auto binding = transport_kit::tcp_binding(place.address, place.options.family);
  if (binding.has_error()) return binding.error();
  sdk::Result<> opened = sdk::Error(TT_E_ADDR, "no address to listen on");
  for (const SocketAddress& address : binding->addresses) {
    auto route = route_to(place.options, address, Side::listening);
    opened = route.has_error() ? sdk::Result<>(route.error())
                               : listener.open(*route->device, std::move(route->info));
    // Only a host without this family falls through to the next.
    if (opened.has_value() || opened.error().code != TT_E_UNREACHABLE) break;
  }
  if (opened.has_error()) return opened.error();
  // As it was given, but for the port: so that it connects, options and all.
  sdk::Uri uri = *sdk::Uri::parse(place.uri);
  const std::size_t colon = uri.address.rfind(':');
  uri.address = uri.address.substr(0, colon + 1) + std::to_string(listener.port());
  listener.set_uri(uri.str());
  return {};
}

sdk::Result<Connection*> OfiTransport::connect(std::string_view uri, void* user) {
  if (!roster_.is_open()) return shut_down();
  const auto place = place_of(uri);
  if (place.has_error()) return place.error();
  auto target = transport_kit::tcp_target(place->address, place->options.family);
  if (target.has_error()) return about(uri, target.error());
  if (!target->name.empty() && !threads_allowed_) {
    return about(uri, transport_kit::NameLookups::refusal());
  }
  if (place->options.provider != defaults_.provider) {  // that one was looked for at open
    auto fit = find_provider(place->options, Advice::alternatives);
    if (fit.has_error()) return about(uri, fit.error());
  }
  auto conn = std::make_unique<Connection>(shared_, next_connection_++, place->options);
  Connection& added = roster_.add(std::move(conn));
  added.set_user(user);
  added.await_addresses(place->uri);
  dial(added, *place, std::move(*target));
  return &added;
}

/// At once, or when the addresses of the target's name are known.
void OfiTransport::dial(Connection& conn, const Place& place, transport_kit::TcpTarget target) {
  auto find_route = [this, options = place.options](const SocketAddress& address) {
    return route_to(options, address, Side::connecting);
  };
  if (target.name.empty()) return conn.dial(std::move(target.addresses), std::move(find_route));
  if (lookups_ == nullptr) lookups_ = std::make_unique<transport_kit::NameLookups>(*loop_);
  lookups_->ask(&conn, {target.name, target.port, place.options.family},
                [&conn, find_route = std::move(find_route)](auto answer) {
                  if (answer.addresses.empty()) {
                    conn.give_up(answer.failure);
                  } else {
                    conn.dial(std::move(answer.addresses), find_route);
                  }
                });
}

void OfiTransport::free(Connection& conn) {
  if (lookups_ != nullptr) lookups_->forget(&conn);
  roster_.free(conn);
}

sdk::Result<Route> OfiTransport::route_to(const FabricOptions& options,
                                          const SocketAddress& address, Side side) {
  auto info = find_fabric(options, address, side);
  if (info.has_error()) return info.error();
  auto device = device_for(options, **info);
  if (device.has_error()) return device.error();
  return Route{*device, std::move(*info)};
}

/// `first` is asked before all others, if there is one.
sdk::Result<Device*> OfiTransport::device_for(const FabricOptions& options, const fi_info& info,
                                              Device* first) {
  const bool must = (info.domain_attr->mr_mode & FI_MR_LOCAL) != 0;
  const auto registration =
      must || options.registering == Registering::always ? Registration::local : Registration::none;
  if (first != nullptr && first->serves(info, registration)) return first;
  for (const auto& device : devices_) {
    if (device->serves(info, registration)) return device.get();
  }
  auto device = Device::open(*loop_, info, registration);
  if (device.has_error()) return device.error();
  devices_.push_back(std::move(*device));
  return devices_.back().get();
}

void OfiTransport::accept(Listener& listener, InfoPtr request,
                          std::span<const std::byte> greeting) {
  const auto peer = Greeting::decode(greeting);
  if (!peer) return listener.refuse(*request);  // whoever it is, it is none of ours
  auto device = device_for(listener.options(), *request, &listener.device());
  auto conn = std::make_unique<Connection>(shared_, next_connection_++, listener.options());
  sdk::Result<> accepted;
  if (device.has_error()) {
    accepted = device.error();
    listener.refuse(*request);
  } else {
    accepted = conn->accept(Route{*device, std::move(request)}, *peer, scheme_,
                            reinterpret_cast<std::uintptr_t>(listener.user()));
  }
  if (accepted.has_error()) {
    loop_->host().log(TT_LOG_WARN,
                      listener.uri() + ": cannot take a connection: " + accepted.error().text);
    return;
  }
  roster_.add(std::move(conn));
}

std::int32_t OfiTransport::progress(std::span<tt_event> events) {
  for (Connection* const conn : shared_.viewed) conn->recycle();
  shared_.viewed.clear();
  roster_.begin_round(events);
  return roster_.end_round();
}

sdk::Arming OfiTransport::arm() {
  sdk::Arming arming = roster_.arm();
  // What the host was shown is posted again in the next round only, and a sender that has used up
  // its credits would not end the sleep.
  const auto& viewed = shared_.viewed;
  if (std::any_of(viewed.begin(), viewed.end(), [](auto* conn) { return conn->must_recycle(); })) {
    arming.may_sleep = false;
  }
  if (!arming.may_sleep) return arming;
  for (const auto& device : devices_) {
    if (!device->may_sleep()) arming.may_sleep = false;
  }
  return arming;
}

}  // namespace trestle::ofi
