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

/// The function that this executable hides: a sanitizer's, where there is one. Without a guarded
/// static: two threads that meet at one wait by a system call. Written out, since the types of the
/// declarations carry attributes that no template takes.
template <class Function>
class Hidden {
 public:
  explicit constexpr Hidden(const char* name) noexcept : name_(name) {}

  template <class... Arguments>
  auto operator()(Arguments... arguments) noexcept {
    Function* function = function_.load(std::memory_order_relaxed);  // whoever finds it, finds it
    if (function == nullptr) {
      function = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name_));
      function_.store(function, std::memory_order_relaxed);
    }
    return function(arguments...);
  }

 private:
  const char* name_;
  std::atomic<Function*> function_{nullptr};
};

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
using counting::Hidden;

#pragma GCC visibility push(default)
extern "C" {

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  static constinit Hidden<ssize_t(int, void*, size_t, int)> real("recv");
  count(counting::reading);
  return real(fd, buffer, size, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static constinit Hidden<ssize_t(int, msghdr*, int)> real("recvmsg");
  count(counting::reading);
  return real(fd, message, flags);
}

ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  static constinit Hidden<ssize_t(int, const void*, size_t, int)> real("send");
  count(counting::writing);
  return real(fd, buffer, size, flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static constinit Hidden<ssize_t(int, const msghdr*, int)> real("sendmsg");
  count(counting::writing);
  return real(fd, message, flags);
}

int epoll_wait(int fd, epoll_event* events, int size, int timeout) {
  static constinit Hidden<int(int, epoll_event*, int, int)> real("epoll_wait");
  count(counting::waiting_on_epoll);
  return real(fd, events, size, timeout);
}

int ppoll(pollfd* fds, nfds_t size, const timespec* timeout, const sigset_t* signals) {
  static constinit Hidden<int(pollfd*, nfds_t, const timespec*, const sigset_t*)> real("ppoll");
  count(counting::polling);
  return real(fds, size, timeout, signals);
}

int poll(pollfd* fds, nfds_t size, int timeout) {
  static constinit Hidden<int(pollfd*, nfds_t, int)> real("poll");
  count(counting::polling);
  return real(fds, size, timeout);
}

ssize_t read(int fd, void* buffer, size_t size) {
  static constinit Hidden<ssize_t(int, void*, size_t)> real("read");
  count(counting::reading_event);
  return real(fd, buffer, size);
}

ssize_t write(int fd, const void* buffer, size_t size) {
  static constinit Hidden<ssize_t(int, const void*, size_t)> real("write");
  count(counting::writing_event);
  return real(fd, buffer, size);
}

// Reads six arguments whatever the number, as the C library's own does: callers may have passed
// fewer, and what is read of those is only passed on.
__attribute__((no_sanitize("address"))) long syscall(long number, ...) noexcept {
  static constinit Hidden<long(long, ...)> real("syscall");
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
