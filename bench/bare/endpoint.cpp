// socket(), bind(), connect() and their addresses.
#include "endpoint.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bare {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const noexcept { return storage.ss_family; }
};

Address parse_unix(const std::string& path) {
  Address address;
  auto* named = reinterpret_cast<sockaddr_un*>(&address.storage);
  named->sun_family = AF_UNIX;
  if (path.size() >= sizeof(named->sun_path)) fail("the path is too long: " + path);
  std::memcpy(named->sun_path, path.c_str(), path.size() + 1);
  address.length = sizeof(sockaddr_un);
  return address;
}

Address parse_tcp(const std::string& host_and_port) {
  const auto colon = host_and_port.rfind(':');
  Address address;
  auto* ip4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  ip4->sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, host_and_port.substr(0, colon).c_str(), &ip4->sin_addr) != 1) {
    fail("not ADDRESS:PORT with an IPv4 address: " + host_and_port);
  }
  ip4->sin_port = htons(static_cast<std::uint16_t>(std::atoi(&host_and_port[colon + 1])));
  address.length = sizeof(sockaddr_in);
  return address;
}

Address parse(const std::string& uri) {
  if (uri.starts_with("unix://")) return parse_unix(uri.substr(7));
  if (uri.starts_with("tcp://")) return parse_tcp(uri.substr(6));
  fail("neither tcp:// nor unix://: " + uri);
}

int open_socket(const Address& address) {
  const int opened = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (opened < 0) fail("socket");
  return opened;
}

void send_at_once(int socket) {
  // Fails on unix sockets, which need no telling.
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void print_listening(int listener, const std::string& uri, const Address& wanted) {
  if (wanted.family() == AF_UNIX) {
    std::printf("listening %s\n", uri.c_str());
  } else {
    sockaddr_in bound{};
    socklen_t length = sizeof(bound);
    getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &length);
    const auto host = uri.substr(0, uri.rfind(':'));
    std::printf("listening %s:%d\n", host.c_str(), ntohs(bound.sin_port));
  }
  std::fflush(stdout);
}

}  // namespace

void fail(std::string_view what) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(),
               std::strerror(errno));
  std::exit(1);
}

int listen_at(const std::string& uri) {
  Address address = parse(uri);
  const int listener = open_socket(address);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener, address.get(), address.length) != 0) fail("bind " + uri);
  if (listen(listener, 1024) != 0) fail("listen " + uri);
  print_listening(listener, uri, address);
  return listener;
}

int connect_to(const std::string& uri) {
  Address address = parse(uri);
  const int connected = open_socket(address);
  if (connect(connected, address.get(), address.length) != 0) fail("connect " + uri);
  send_at_once(connected);
  return connected;
}

int accept_from(int listener) {
  const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted < 0) fail("accept");
  send_at_once(accepted);
  return accepted;
}

void set_non_blocking(int socket) {
  if (fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK) != 0) fail("fcntl");
}

}  // namespace bare
