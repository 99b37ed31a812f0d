// Reading and writing a stream socket, in one system call each.
#pragma once

#include <sys/types.h>
#include <trestle/thin_transport.h>

#include <array>
#include <cstddef>
#include <span>

namespace trestle::transport_kit {

/// Reads into the parts, in order, without blocking. What recv() returns; errno is never EINTR.
ssize_t read_some(int socket, const std::array<std::span<std::byte>, 2>& parts) noexcept;

/// Writes the segments, in order, without blocking and without SIGPIPE. What send() returns; errno
/// is never EINTR.
ssize_t write_some(int socket, std::span<const tt_iov> segments) noexcept;

}  // namespace trestle::transport_kit
