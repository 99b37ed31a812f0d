// A socket address of any family.
#pragma once

#include <sys/socket.h>
#include <algorithm>
#include <cstddef>
#include <cstring>

namespace trestle::transport_kit {

/// Empty by default.
class SocketAddress {
 public:
  SocketAddress() = default;
  /// The first `size` bytes at `address`, such as a sockaddr_in.
  SocketAddress(const void* address, std::size_t size) noexcept
      : size_(static_cast<socklen_t>(std::min(size, sizeof(storage_)))) {
    std::memcpy(&storage_, address, size_);
  }

  /// AF_*; 0 if empty.
  int family() const noexcept { return storage_.ss_family; }
  /// As bind and connect take it.
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  /// In bytes.
  socklen_t size() const noexcept { return size_; }

  /// Calls `ask(address, size)`, as accept and getsockname want it; returns what it returns.
  template <class Ask>
  int fill(Ask ask) {
    size_ = sizeof(storage_);
    const int answer = ask(reinterpret_cast<sockaddr*>(&storage_), &size_);
    if (answer < 0) *this = SocketAddress();
    return answer;
  }

  /// Byte by byte.
  bool operator==(const SocketAddress& other) const noexcept {
    return size_ == other.size_ && std::memcmp(&storage_, &other.storage_, size_) == 0;
  }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace trestle::transport_kit
