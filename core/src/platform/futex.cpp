// The system calls behind futex.hpp.
#include "platform/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace trestle::platform {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::optional<std::chrono::nanoseconds> timeout) noexcept {
  timespec spec{};
  if (timeout) {
    const auto ns = std::max<std::chrono::nanoseconds::rep>(timeout->count(), 0);
    spec.tv_sec = ns / 1'000'000'000;
    spec.tv_nsec = ns % 1'000'000'000;
  }
  // std::atomic::wait has no timeout, and hashes every word of the process into a few.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, timeout ? &spec : nullptr, nullptr, 0);
}

void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace trestle::platform
