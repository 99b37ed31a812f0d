// Plain sockets.
#include "stranger.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

namespace trestle::hostile {
namespace {

using namespace std::chrono_literals;

/// For a server that reads what one says.
constexpr std::chrono::milliseconds patience = 5s;

int connect_to(int fd, const void* address, std::size_t size) {
  const int done =
      ::connect(fd, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size));
  if (done == 0) return fd;
  ::close(fd);
  return -1;
}

int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return connect_to(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof(address));
}

int connect_tcp(const std::string& uri) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(uri.substr(uri.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect_to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof(address));
}

bool is_ready(int fd, short events, std::chrono::milliseconds within) {
  pollfd wanted{.fd = fd, .events = events, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(within.count())) > 0;
}

}  // namespace

Stranger::Stranger(const std::string& uri)
    : fd_(uri.starts_with("unix://") ? connect_unix(uri.substr(7)) : connect_tcp(uri)) {}

Stranger::Stranger(Stranger&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Stranger& Stranger::operator=(Stranger&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Stranger::~Stranger() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t Stranger::say(std::string_view bytes) const {
  std::size_t said = 0;
  while (said < bytes.size()) {
    const ssize_t count =
        ::send(fd_, bytes.data() + said, bytes.size() - said, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      said += static_cast<std::size_t>(count);
    } else if (errno != EAGAIN || !is_ready(fd_, POLLOUT, patience)) {
      break;
    }
  }
  return said;
}

std::string Stranger::hear(std::chrono::milliseconds at_most) const {
  std::string heard;
  std::array<char, 4096> part;
  while (is_ready(fd_, POLLIN, at_most)) {
    const ssize_t count = ::recv(fd_, part.data(), part.size(), 0);
    if (count <= 0) break;
    heard.append(part.data(), static_cast<std::size_t>(count));
  }
  return heard;
}

bool Stranger::is_dropped(std::chrono::milliseconds within) const {
  const auto until = std::chrono::steady_clock::now() + within;
  std::array<char, 4096> part;
  for (auto now = until - within; now < until; now = std::chrono::steady_clock::now()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    if (!is_ready(fd_, POLLIN, left)) return false;
    if (::recv(fd_, part.data(), part.size(), 0) <= 0) return true;
  }
  return false;
}

void Stranger::reset() {
  const linger drop{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
  ::close(std::exchange(fd_, -1));
}

std::string preamble() {
  return "\xABTS1";
}

std::string announced(std::uint32_t length) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(length >> shift);
  return bytes;
}

std::string framed(std::string_view packet) {
  return announced(static_cast<std::uint32_t>(packet.size())) + std::string(packet);
}

wire::Hello hello(std::uint64_t who) {
  wire::Hello hello;
  hello.instance = InstanceId::from_halves(who, 1);
  hello.incarnation = 1;
  hello.connection = 1;
  hello.frame_bytes_max = 1u << 26;
  return hello;
}

std::string greeting(std::uint64_t who) {
  return preamble() + framed(packet_of(hello(who)));
}

wire::Request request(std::uint32_t call, std::string_view name) {
  return {.call = wire::CallId::make(call, 1),
          .handler = 1,
          .mode = DeliveryMode::with_response,
          .handler_name = name};
}

}  // namespace trestle::hostile
