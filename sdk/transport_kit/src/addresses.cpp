// Turning URI addresses into socket addresses and back.
#include <trestle/transport_kit/addresses.hpp>

#include <trestle/sdk/uri.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstring>
#include <optional>

namespace trestle::transport_kit {
namespace {

namespace ip = boost::asio::ip;

Address make_address(const ip::address& address, std::uint16_t port) {
  const ip::tcp::endpoint endpoint(address, port);
  return Address(endpoint.data(), endpoint.size());
}

bool fits(const ip::address& address, Family family) {
  return family == Family::any || address.is_v4() == (family == Family::v4);
}

/// The v4 and v6 forms of what has one of each, v4 first, reduced to `family`.
std::vector<Address> both(const ip::address_v4& v4, const ip::address_v6& v6, std::uint16_t port,
                          Family family) {
  std::vector<Address> addresses;
  if (family != Family::v6) addresses.push_back(make_address(v4, port));
  if (family != Family::v4) addresses.push_back(make_address(v6, port));
  return addresses;
}

std::vector<Address> loopback(std::uint16_t port, Family family) {
  return both(ip::address_v4::loopback(), ip::address_v6::loopback(), port, family);
}

/// A literal address, or nothing if `host` is a name.
sdk::Result<std::optional<Address>> literal(const sdk::HostPort& host, Family family) {
  boost::system::error_code not_literal;
  const ip::address address = ip::make_address(host.host, not_literal);
  if (not_literal) return std::optional<Address>();
  if (!fits(address, family)) {
    return sdk::Error(
        TT_E_ADDR, "\"" + host.host + "\" is not of the family that option family " + "asks for");
  }
  return std::optional<Address>(make_address(address, host.port));
}

std::string tcp_uri(const Address& address) {
  ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), address.data(), address.size());
  ip::address host = endpoint.address();
  if (host.is_v6() && host.to_v6().is_v4_mapped()) {
    host = ip::make_address_v4(ip::v4_mapped, host.to_v6());
  }
  const std::string text = host.is_v6() ? "[" + host.to_string() + "]" : host.to_string();
  return sdk::Uri{"tcp", text + ":" + std::to_string(endpoint.port()), {}}.str();
}

/// The name in a unix address: a path, or a NUL and an abstract name.
std::string_view unix_name(const Address& address) {
  constexpr std::size_t offset = offsetof(sockaddr_un, sun_path);
  if (address.size() <= offset) return {};
  const auto* un = reinterpret_cast<const sockaddr_un*>(address.data());
  std::string_view name(un->sun_path, address.size() - offset);
  if (name.front() != '\0') name = name.substr(0, name.find('\0'));
  return name;
}

Address end_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) noexcept {
  Address address;
  address.fill([&](sockaddr* raw, socklen_t* size) { return ask(fd, raw, size); });
  return address;
}

}  // namespace

std::string uri_of(const Address& address) {
  const int family = address.family();
  if (family == AF_INET || family == AF_INET6) return tcp_uri(address);
  std::string name(unix_name(address));
  if (name.empty()) return {};
  if (name.front() == '\0') name.front() = '@';
  return sdk::Uri{"unix", name, {}}.str();
}

std::string path_of(const Address& address) {
  if (address.family() != AF_UNIX) return {};
  const std::string_view name = unix_name(address);
  return name.starts_with('/') ? std::string(name) : std::string();
}

Address local_address(int fd) noexcept {
  return end_of(fd, &::getsockname);
}

Address peer_address(int fd) noexcept {
  return end_of(fd, &::getpeername);
}

std::uint16_t port_of(const Address& address) noexcept {
  switch (address.family()) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(address.data())->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_port);
    default:
      return 0;
  }
}

sdk::Result<TcpTarget> tcp_target(std::string_view address, Family family) {
  const auto host = sdk::HostPort::parse(address);
  if (host.has_error()) return host.error();
  TcpTarget target;
  target.port = host->port;
  if (host->port == 0) {
    return sdk::Error(TT_E_ADDR, "\"" + std::string(address) + "\": port 0 is only for listening");
  }
  if (host->host == "localhost" || host->host == "*") {
    target.addresses = loopback(host->port, family);
    return target;
  }
  const auto known = literal(*host, family);
  if (known.has_error()) return known.error();
  if (*known) {
    target.addresses.push_back(**known);
  } else {
    target.name = host->host;
  }
  return target;
}

sdk::Result<TcpBinding> tcp_binding(std::string_view address, Family family) {
  const auto host = sdk::HostPort::parse(address);
  if (host.has_error()) return host.error();
  TcpBinding binding;
  if (host->host == "*") {
    binding.wildcard = true;
    // The v6 wildcard also takes v4 connections, so it comes first.
    if (family != Family::v4) {
      binding.addresses.push_back(make_address(ip::address_v6::any(), host->port));
    }
    if (family != Family::v6) {
      binding.addresses.push_back(make_address(ip::address_v4::any(), host->port));
    }
    return binding;
  }
  if (host->host == "localhost") {
    binding.addresses = loopback(host->port, family);
    return binding;
  }
  const auto known = literal(*host, family);
  if (known.has_error()) return known.error();
  if (!*known) {
    return sdk::Error(TT_E_ADDR, "cannot listen on the name \"" + host->host.substr(0, 100) +
                                     "\": give a literal address, localhost or *");
  }
  binding.addresses.push_back(**known);
  return binding;
}

sdk::Result<Address> unix_address(std::string_view address) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  // A path keeps room for its NUL, an abstract name is preceded by one.
  constexpr std::size_t name_bytes_max = sizeof(un.sun_path) - 1;
  const bool abstract = address.starts_with('@');
  const std::string_view name = abstract ? address.substr(1) : address;
  if (name.empty() || (!abstract && !name.starts_with('/'))) {
    return sdk::Error(TT_E_ADDR, "\"" + std::string(address.substr(0, 100)) +
                                     "\": expected an absolute path or @name");
  }
  if (name.find('\0') != std::string_view::npos) {
    return sdk::Error(TT_E_ADDR,
                      "the path or name of a unix socket holds a NUL byte: a path would "
                      "end there, and no URI could say the name");
  }
  if (name.size() > name_bytes_max) {
    return sdk::Error(TT_E_ADDR, "\"" + std::string(name.substr(0, 60)) + "…\" has " +
                                     std::to_string(name.size()) +
                                     " bytes; the limit of a unix socket address is " +
                                     std::to_string(name_bytes_max));
  }
  std::memcpy(un.sun_path + (abstract ? 1 : 0), name.data(), name.size());
  return Address(&un, offsetof(sockaddr_un, sun_path) + name.size() + 1);
}

}  // namespace trestle::transport_kit
