// How often the kernel is asked. Link trestle_counted_system_calls: it replaces functions of libc.
#pragma once

namespace trestle::test_support {

/// Calls of libc functions that are system calls, from code of ours or of any library but libc
/// itself: its mutexes and condition variables sleep without being seen.
struct SystemCalls {
  int reads = 0;         ///< recv, recvmsg
  int writes = 0;        ///< send, sendmsg
  int epoll_waits = 0;   ///< epoll_wait
  int polls = 0;         ///< ppoll, poll
  int event_reads = 0;   ///< read
  int event_writes = 0;  ///< write
  int futex_waits = 0;   ///< syscall(SYS_futex, FUTEX_WAIT)
  int futex_wakes = 0;   ///< syscall(SYS_futex, FUTEX_WAKE)

  int total() const noexcept {
    return reads + writes + epoll_waits + polls + event_reads + event_writes + futex_waits +
           futex_wakes;
  }
  friend SystemCalls operator-(const SystemCalls& after, const SystemCalls& before) noexcept;
};

/// Of all threads, since the start of the program. Threads: any.
SystemCalls system_calls() noexcept;

class SystemCallMeter;

/// Counts the calls of the present thread. Lifetime: the thread's.
const SystemCallMeter& meter_of_this_thread() noexcept;

/// Since the start of the thread. Threads: any.
SystemCalls system_calls(const SystemCallMeter& thread) noexcept;

}  // namespace trestle::test_support
