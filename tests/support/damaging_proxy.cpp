// Blocking sockets, two threads for each connection.
#include "trestle/test_support/damaging_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace trestle::test_support {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int tcp_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

bool read_all(int fd, char* at, std::size_t count) {
  return ::recv(fd, at, count, MSG_WAITALL) == static_cast<ssize_t>(count);
}

bool write_all(int fd, const std::string& bytes) {
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

std::uint16_t port_in(const std::string& uri) {
  return static_cast<std::uint16_t>(std::stoi(uri.substr(uri.rfind(':') + 1)));
}

/// As tcp:// frames them: four bytes of length, all ones for the end.
constexpr std::uint32_t goodbye = 0xFFFFFFFF;

std::uint32_t length_in(const std::string& bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = 4; i-- > 0;) length = length << 8 | static_cast<std::uint8_t>(bytes[i]);
  return length;
}

}  // namespace

DamagingProxy::DamagingProxy(const std::string& server, Change change)
    : server_port_(port_in(server)), change_(std::move(change)), listener_(tcp_socket()) {
  sockaddr_in address = loopback(0);
  ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::listen(listener_, 16);
  socklen_t size = sizeof(address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

DamagingProxy::~DamagingProxy() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& relay : relays_) relay.join();
  for (const int fd : sockets_) ::close(fd);
  ::close(listener_);
}

std::string DamagingProxy::uri() const {
  return "tcp://127.0.0.1:" + std::to_string(port_);
}

void DamagingProxy::accept_all() {
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const int server = tcp_socket();
    const sockaddr_in address = loopback(server_port_);
    ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const std::lock_guard lock(mutex_);
    sockets_.insert(sockets_.end(), {client, server});
    if (is_over_) return;
    relays_.emplace_back([=, this] { relay(Way::to_server, client, server); });
    relays_.emplace_back([=, this] { relay(Way::to_client, server, client); });
  }
}

void DamagingProxy::relay(Way way, int from, int to) {
  std::string preamble(4, '\0');
  bool goes_on = read_all(from, preamble.data(), preamble.size()) && write_all(to, preamble);
  for (std::size_t number = 0; goes_on; ++number) {
    std::string length(4, '\0');
    if (!read_all(from, length.data(), length.size())) break;
    std::string packet(length_in(length) == goodbye ? 0 : length_in(length), '\0');
    if (!read_all(from, packet.data(), packet.size())) break;
    if (!packet.empty()) {
      const std::lock_guard lock(mutex_);
      change_(way, number, packet);
    }
    goes_on = write_all(to, length + packet);
  }
  // Either side learns that the other is gone.
  ::shutdown(from, SHUT_RDWR);
  ::shutdown(to, SHUT_RDWR);
}

}  // namespace trestle::test_support
