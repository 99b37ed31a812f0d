// System calls on stream sockets. One part needs no list of them, and that makes a call cheaper.
#include <sys/socket.h>
#include <sys/uio.h>
#include <trestle/transport_kit/socket_io.hpp>

#include <cerrno>

namespace trestle::transport_kit {

ssize_t read_some(int socket, const std::array<std::span<std::byte>, 2>& parts) noexcept {
  std::array<iovec, 2> list{
      {{parts[0].data(), parts[0].size()}, {parts[1].data(), parts[1].size()}}};
  msghdr message{};
  message.msg_iov = list.data();
  message.msg_iovlen = list.size();
  ssize_t count = 0;
  do {
    count = parts[1].empty() ? ::recv(socket, parts[0].data(), parts[0].size(), MSG_DONTWAIT)
                             : ::recvmsg(socket, &message, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  return count;
}

ssize_t write_some(int socket, std::span<const tt_iov> segments) noexcept {
  static_assert(sizeof(tt_iov) == sizeof(iovec));
  msghdr message{};
  message.msg_iov = reinterpret_cast<iovec*>(const_cast<tt_iov*>(segments.data()));
  message.msg_iovlen = segments.size();
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t written = 0;
  do {
    written = segments.size() == 1 ? ::send(socket, segments[0].base, segments[0].len, flags)
                                   : ::sendmsg(socket, &message, flags);
  } while (written < 0 && errno == EINTR);
  return written;
}

}  // namespace trestle::transport_kit
