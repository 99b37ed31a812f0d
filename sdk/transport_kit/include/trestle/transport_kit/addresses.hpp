// Socket addresses and the URIs that stand for them.
#pragma once

#include <trestle/sdk/result.hpp>

#include <sys/socket.h>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::transport_kit {

/// Which addresses a host name may stand for.
enum class Family { any, v4, v6 };

/// A socket address of any family; empty by default.
class Address {
 public:
  Address() = default;
  Address(const void* address, std::size_t size) noexcept;

  int family() const noexcept { return storage_.ss_family; }
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }

  /// Calls `ask(address, size)`, as accept and getsockname want it; returns what it returns.
  template <class Ask>
  int fill(Ask ask) {
    size_ = sizeof(storage_);
    const int answer = ask(reinterpret_cast<sockaddr*>(&storage_), &size_);
    if (answer < 0) *this = Address();
    return answer;
  }

  bool operator==(const Address& other) const noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// "tcp://127.0.0.1:80", "unix:///run/x.sock", "unix://@name"; empty for an unnamed socket.
std::string uri_of(const Address& address);

/// The port; 0 if the family has none.
std::uint16_t port_of(const Address& address) noexcept;

/// Where to connect: addresses to try in order, or a name that must be looked up first.
struct TcpTarget {
  std::vector<Address> addresses;
  std::string name;  ///< empty: `addresses` are known
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
