// Counting, then calling the kernel: the plugin finds these before those of the C library.
#include "system_calls.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
trestle::tcp::testing::SystemCalls calls;
}  // namespace

#pragma GCC visibility push(default)
extern "C" {

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  ++calls.reads;
  return ::syscall(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  ++calls.reads;
  return ::syscall(SYS_recvmsg, fd, message, flags);
}

ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  ++calls.writes;
  return ::syscall(SYS_sendto, fd, buffer, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  ++calls.writes;
  return ::syscall(SYS_sendmsg, fd, message, flags);
}

int epoll_wait(int fd, epoll_event* events, int count, int timeout) {
  ++calls.epoll_waits;
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait, fd, events, count, timeout, nullptr, sizeof(unsigned long)));
}

}  // extern "C"
#pragma GCC visibility pop

namespace trestle::tcp::testing {

SystemCalls system_calls() noexcept {
  return calls;
}

}  // namespace trestle::tcp::testing
