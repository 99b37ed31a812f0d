// Counting, then calling the real function: libraries find these before those of libc.
#include "trestle/test_support/system_calls.hpp"

#include <dlfcn.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdarg>

namespace trestle::test_support {

namespace {

enum Call : std::size_t {
  reading,
  writing,
  waiting_on_epoll,
  polling,
  reading_event,
  writing_event,
  waiting_on_futex,
  waking_futex,
  kinds,
};

}  // namespace

/// Relaxed throughout: counts are compared after something else said that all is done.
class SystemCallMeter {
 public:
  void count(Call kind) noexcept { counts_[kind].fetch_add(1, std::memory_order_relaxed); }

  SystemCalls read() const noexcept {
    const auto of = [this](Call kind) { return counts_[kind].load(std::memory_order_relaxed); };
    return {.reads = of(reading),
            .writes = of(writing),
            .epoll_waits = of(waiting_on_epoll),
            .polls = of(polling),
            .event_reads = of(reading_event),
            .event_writes = of(writing_event),
            .futex_waits = of(waiting_on_futex),
            .futex_wakes = of(waking_futex)};
  }

 private:
  std::array<std::atomic<int>, kinds> counts_{};
};

namespace {

constinit SystemCallMeter of_process;
constinit thread_local SystemCallMeter of_thread;

void count(Call kind) noexcept {
  of_process.count(kind);
  of_thread.count(kind);
}

/// The function that this executable hides. A sanitizer's, where there is one.
template <class Function>
Function* next(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

SystemCalls operator-(const SystemCalls& after, const SystemCalls& before) noexcept {
  return {.reads = after.reads - before.reads,
          .writes = after.writes - before.writes,
          .epoll_waits = after.epoll_waits - before.epoll_waits,
          .polls = after.polls - before.polls,
          .event_reads = after.event_reads - before.event_reads,
          .event_writes = after.event_writes - before.event_writes,
          .futex_waits = after.futex_waits - before.futex_waits,
          .futex_wakes = after.futex_wakes - before.futex_wakes};
}

SystemCalls system_calls() noexcept {
  return of_process.read();
}

const SystemCallMeter& meter_of_this_thread() noexcept {
  return of_thread;
}

SystemCalls system_calls(const SystemCallMeter& thread) noexcept {
  return thread.read();
}

}  // namespace trestle::test_support

namespace counting = trestle::test_support;
using counting::count;
using counting::next;

#pragma GCC visibility push(default)
extern "C" {

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  static const auto real = next<decltype(recv)>("recv");
  count(counting::reading);
  return real(fd, buffer, size, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static const auto real = next<decltype(recvmsg)>("recvmsg");
  count(counting::reading);
  return real(fd, message, flags);
}

ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  static const auto real = next<decltype(send)>("send");
  count(counting::writing);
  return real(fd, buffer, size, flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = next<decltype(sendmsg)>("sendmsg");
  count(counting::writing);
  return real(fd, message, flags);
}

int epoll_wait(int fd, epoll_event* events, int size, int timeout) {
  static const auto real = next<decltype(epoll_wait)>("epoll_wait");
  count(counting::waiting_on_epoll);
  return real(fd, events, size, timeout);
}

int ppoll(pollfd* fds, nfds_t size, const timespec* timeout, const sigset_t* signals) {
  static const auto real = next<decltype(ppoll)>("ppoll");
  count(counting::polling);
  return real(fds, size, timeout, signals);
}

ssize_t read(int fd, void* buffer, size_t size) {
  static const auto real = next<decltype(read)>("read");
  count(counting::reading_event);
  return real(fd, buffer, size);
}

ssize_t write(int fd, const void* buffer, size_t size) {
  static const auto real = next<decltype(write)>("write");
  count(counting::writing_event);
  return real(fd, buffer, size);
}

long syscall(long number, ...) noexcept {
  static const auto real = next<decltype(syscall)>("syscall");
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_futex && (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT) {
    count(counting::waiting_on_futex);
  } else if (number == SYS_futex && (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAKE) {
    count(counting::waking_futex);
  }
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}

}  // extern "C"
#pragma GCC visibility pop
