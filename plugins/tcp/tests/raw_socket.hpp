// A peer that is no transport: a blocking socket that says whatever a test wants.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trestle::tcp::testing {

class RawSocket {
 public:
  /// Connects to 127.0.0.1.
  static RawSocket to_port(std::uint16_t port);
  /// Listens on 127.0.0.1, on a port of the kernel's choice, or at a unix path.
  static RawSocket listening();
  static RawSocket bound_to(const std::string& path);

  explicit RawSocket(int fd) : fd_(fd) {}
  RawSocket(RawSocket&& other) noexcept;
  ~RawSocket();

  int fd() const { return fd_; }
  std::uint16_t port() const;
  void say(std::string_view bytes) const;
  /// Everything up to the end of the stream, or its reset.
  std::string hear_all() const;
  void shut_down_writing() const;
  RawSocket accept() const;

 private:
  int fd_;
};

/// The port in "tcp://host:port".
std::uint16_t port_in(const std::string& uri);

}  // namespace trestle::tcp::testing
