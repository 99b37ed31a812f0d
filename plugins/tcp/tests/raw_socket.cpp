// Plain blocking sockets for tests.
#include "raw_socket.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

namespace trestle::tcp::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

RawSocket::RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RawSocket::~RawSocket() {
  if (fd_ >= 0) ::close(fd_);
}

RawSocket RawSocket::to_port(std::uint16_t port) {
  RawSocket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  EXPECT_EQ(::connect(made.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return made;
}

RawSocket RawSocket::listening() {
  RawSocket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(0);
  EXPECT_EQ(::bind(made.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(made.fd_, 16), 0);
  return made;
}

RawSocket RawSocket::bound_to(const std::string& path) {
  RawSocket made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  EXPECT_EQ(::bind(made.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return made;
}

std::uint16_t RawSocket::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

void RawSocket::say(std::string_view bytes) const {
  EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

std::string RawSocket::hear_all() const {
  std::string heard;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t count = ::recv(fd_, part.data(), part.size(), 0);
    if (count <= 0) return heard;
    heard.append(part.data(), static_cast<std::size_t>(count));
  }
}

void RawSocket::shut_down_writing() const {
  EXPECT_EQ(::shutdown(fd_, SHUT_WR), 0);
}

RawSocket RawSocket::accept() const {
  return RawSocket(::accept(fd_, nullptr, nullptr));
}

std::uint16_t port_in(const std::string& uri) {
  return static_cast<std::uint16_t>(std::stoi(uri.substr(uri.rfind(':') + 1)));
}

}  // namespace trestle::tcp::testing
