// The host's side of the contract as the kit plays it: wake-ups, clock, log, memory.
#pragma once

#include <trestle/thin_transport.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace trestle::conformance {

enum class ClockKind { real, manual };

/// Threads: any. Lifetime: longer than the transport that was opened with it.
class TestHost {
 public:
  explicit TestHost(ClockKind clock);
  ~TestHost();
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  const tt_host* table() const { return &table_; }

  /// Readable after wake(), until consume_wake().
  int wake_fd() const { return wake_fd_; }
  void consume_wake();
  std::uint64_t wakes() const { return wakes_.load(std::memory_order_relaxed); }

  std::uint64_t now_ns() const;
  void advance(std::chrono::nanoseconds step);

  /// What the plugin logged as a warning or worse.
  std::vector<std::string> complaints() const;

 private:
  static TestHost& self(const tt_host* table);
  void wake();
  void log(std::int32_t level, const char* text);

  tt_host table_{};
  const ClockKind clock_;
  int wake_fd_ = -1;
  std::atomic<std::uint64_t> manual_now_ns_{1'000'000'000};
  std::atomic<std::uint64_t> wakes_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> complaints_;
};

}  // namespace trestle::conformance
