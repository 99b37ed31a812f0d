// Sockets, and the addresses in URIs.
#include "raw_peer.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "bench.hpp"
#include "failure.hpp"
#include "pattern.hpp"

namespace trestle::conformance {
namespace {

SocketAddress unix_address(const std::string& place) {
  SocketAddress address;
  auto* const to = reinterpret_cast<sockaddr_un*>(&address.storage);
  to->sun_family = AF_UNIX;
  const std::size_t length = std::min(place.size(), sizeof(to->sun_path) - 1);
  std::memcpy(to->sun_path, place.data(), length);
  const bool abstract = place.front() == '@';
  if (abstract) to->sun_path[0] = '\0';
  address.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
  return address;
}

std::optional<SocketAddress> ip_address(const std::string& place) {
  const auto colon = place.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = place.substr(0, colon);
  const auto port = htons(static_cast<std::uint16_t>(std::atoi(place.c_str() + colon + 1)));
  SocketAddress address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    address.length = sizeof(*v4);
    return address;
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = port;
  address.length = sizeof(*v6);
  return address;
}

/// A listening socket of the kit's own, and the place that a URI names it by.
struct OwnListener {
  int socket = -1;
  std::string place;
  SocketAddress address;

  OwnListener(int family, int backlog)
      : socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    address.length = family == AF_UNIX ? sizeof(sa_family_t)  // the kernel makes up a name
                                       : sizeof(sockaddr_in6);
    address.storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      address = *ip_address("127.0.0.1:0");
    } else if (family == AF_INET6) {
      address = *ip_address("[::1]:0");
    }
    auto* const raw = reinterpret_cast<sockaddr*>(&address.storage);
    const bool listening =
        ::bind(socket, raw, address.length) == 0 && ::listen(socket, backlog) == 0;
    expect(listening, "a listening socket: the kit itself cannot make one");
    address.length = sizeof(address.storage);
    ::getsockname(socket, raw, &address.length);
    if (family == AF_UNIX) {
      const auto* const name = reinterpret_cast<sockaddr_un*>(&address.storage)->sun_path;
      place.assign(name, address.length - offsetof(sockaddr_un, sun_path));
      place.front() = '@';
    } else {
      const std::string host = family == AF_INET ? "127.0.0.1" : "[::1]";
      const auto port = reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port;
      place = host + ":" + std::to_string(ntohs(port));
    }
  }
  ~OwnListener() { ::close(socket); }
  OwnListener(const OwnListener&) = delete;
  OwnListener& operator=(const OwnListener&) = delete;
};

}  // namespace

std::optional<SocketAddress> socket_address_of(const std::string& uri) {
  const auto at = uri.find("://");
  const std::string place = uri.substr(at + 3, uri.find('?') - (at + 3));
  if (place.empty()) return std::nullopt;
  if (place.front() == '/' || place.front() == '@') return unix_address(place);
  return ip_address(place);
}

RawPeer::RawPeer(const SocketAddress& address)
    : socket_(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  expect(::connect(socket_, to, address.length) == 0,
         "a stranger's connection: expected the listener to accept it, got " +
             std::string(std::strerror(errno)));
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
}

RawPeer::~RawPeer() {
  ::close(socket_);
}

void RawPeer::write(std::span<const std::byte> bytes) {
  [[maybe_unused]] const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

SilentPlace::SilentPlace(const SocketAddress& like) {
  constexpr int connections_max = 16;
  OwnListener here(like.storage.ss_family, 0);
  listener_ = std::exchange(here.socket, -1);
  name_ = here.place;
  const auto* const to = reinterpret_cast<const sockaddr*>(&here.address.storage);
  bool full = false;
  for (int i = 0; i < connections_max && !full; ++i) {
    const int socket = ::socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    waiting_.push_back(socket);
    full = ::connect(socket, to, here.address.length) != 0 && errno == EAGAIN;
    if (to->sa_family != AF_UNIX) {
      pollfd entry{socket, POLLOUT, 0};
      ::poll(&entry, 1, 50);  // until the kernel has answered, or does not
      full = is_full();
    }
  }
  if (!full) throw Skipped{"no listener of this machine can be made to be silent"};
}

/// Of an IP socket: the kernel then drops whoever knocks.
bool SilentPlace::is_full() const {
  tcp_info queue{};
  socklen_t size = sizeof(queue);
  if (::getsockopt(listener_, IPPROTO_TCP, TCP_INFO, &queue, &size) != 0) return false;
  return queue.tcpi_unacked > queue.tcpi_sacked;  // of a listener: those who wait, and the backlog
}

SilentPlace::~SilentPlace() {
  for (const int socket : waiting_) ::close(socket);
  ::close(listener_);
}

std::vector<std::byte> overhear(Bench& bench, const SocketAddress& like) {
  constexpr int backlog = 4;
  const OwnListener here(like.storage.ss_family, backlog);
  Driver& client = bench.open();
  Connection* conn = nullptr;
  const std::string uri = bench.subject().scheme + "://" + here.place;
  if (client.try_connect(uri, &conn).status != TT_OK) return {};
  bench.pump_until_quiet({&client}, [&] { return conn->up; });
  if (conn->up) client.send(*conn, make_pattern(1, 100), TT_SEND_COPY);
  bench.pump_until_quiet({&client});
  const int accepted = ::accept4(here.socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  std::vector<std::byte> heard(64 * 1024);
  const auto got = ::recv(accepted, heard.data(), heard.size(), 0);
  heard.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  ::close(accepted);
  client.close(*conn, TT_CLOSE_ABORT);
  bench.pump_until([&] { return conn->closed; }, "CLOSED after an abort");
  return heard;
}

}  // namespace trestle::conformance
