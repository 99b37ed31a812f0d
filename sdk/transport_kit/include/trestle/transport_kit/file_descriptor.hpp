// Sole owner of a file descriptor.
#pragma once

#include <unistd.h>
#include <utility>

namespace trestle::transport_kit {

/// Closes on destruction; -1 is empty.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// Takes over `fd`; negative: none.
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  /// Takes the place of `other`, which is empty then.
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  /// Likewise; closes what it had.
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  /// -1 if it has none.
  int get() const noexcept { return fd_; }
  /// Whether it has one.
  explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// Closes it.
  void reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace trestle::transport_kit
