// Socket addresses and the URIs that stand for them.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/socket_address.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::transport_kit {

/// Which addresses a host name may stand for.
enum class Family { any, v4, v6 };

/// The short name that the functions below use.
using Address = transport_kit::SocketAddress;

/// "tcp://127.0.0.1:80", "unix:///run/x.sock", "unix://@name"; empty for an unnamed socket.
std::string uri_of(const Address& address);

/// Of the socket's own end, and of the other; empty if there is none.
Address local_address(int fd) noexcept;
Address peer_address(int fd) noexcept;  ///< likewise

/// The port; 0 if the family has none.
std::uint16_t port_of(const Address& address) noexcept;

/// Where to connect: addresses to try in order, or a name that must be looked up first.
struct TcpTarget {
  /// Known ones, in the order in which to try them.
  std::vector<Address> addresses;
  std::string name;  ///< empty: `addresses` are known
  /// For the addresses that a lookup of the name finds.
  std::uint16_t port = 0;
};

/// Literals, "localhost" and "*" (this host) become addresses at once; other names do not.
/// Errors: TT_E_ADDR: malformed, port 0, or a literal of the wrong family.
sdk::Result<TcpTarget> tcp_target(std::string_view address, Family family);

/// Where to listen. "*" is every address of the host, of both families if the host has both.
struct TcpBinding {
  std::vector<Address> addresses;  ///< the first that the host supports
  bool wildcard = false;           ///< was "*"
};

/// Errors: TT_E_ADDR: malformed, or a name: listening would have to wait for its lookup.
sdk::Result<TcpBinding> tcp_binding(std::string_view address, Family family);

/// A path or "@name". Errors: TT_E_ADDR: neither, or too long, naming the limit.
sdk::Result<Address> unix_address(std::string_view address);

/// The path of a unix socket file; empty for other addresses.
std::string path_of(const Address& address);

}  // namespace trestle::transport_kit
