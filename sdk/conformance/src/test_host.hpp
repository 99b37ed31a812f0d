// The host's side of the contract as the kit plays it: wake-ups, clock, log, memory.
#pragma once

#include <trestle/ext/stack.h>
#include <trestle/conformance/check.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rule.hpp"

namespace trestle::conformance {

enum class ClockKind { real, manual };

/// Threads: any. Lifetime: longer than the transport that was opened with it.
class TestHost {
 public:
  /// `subject` says where inner transports come from.
  TestHost(ClockKind clock, Subject subject);
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

  /// From now on alloc() grants `count` more requests, and then refuses all.
  void grant_allocations(std::uint64_t count);
  static constexpr std::uint64_t unlimited = ~0ull;
  /// Requests that were granted or refused.
  std::uint64_t allocations() const { return allocations_.load(std::memory_order_relaxed); }
  /// Bytes from alloc() that did not come back to dealloc().
  std::int64_t allocated_bytes() const { return allocated_.load(std::memory_order_relaxed); }

  /// What the plugin logged as a warning or worse.
  std::vector<std::string> complaints() const;
  /// What the plugin asked of the host that it may not ask.
  std::vector<Violation> violations() const;

  /// Says that the calling thread is the host's; any other is the plugin's own.
  static void this_thread_drives();

 private:
  /// What an inner transport sees of this host.
  struct InnerTable {
    tt_host table;
    std::uint32_t depth;
  };

  static TestHost& self(const tt_host* table);
  std::uint32_t depth_of(const tt_host* table) const;
  tt_status open_inner(const tt_host* wrapper, const tt_open_params& params, tt_inner& out,
                       tt_error* error);
  void wake();
  void log(std::int32_t level, const char* text);
  void* alloc(std::size_t size, std::size_t align);
  const void* find_extension(const char* id);

  tt_host table_{};
  const Subject subject_;
  std::vector<std::unique_ptr<InnerTable>> inner_tables_;
  const ClockKind clock_;
  int wake_fd_ = -1;
  std::atomic<std::uint64_t> manual_now_ns_{1'000'000'000};
  std::atomic<std::uint64_t> wakes_{0};
  std::atomic<std::uint64_t> granted_{unlimited};
  std::atomic<std::uint64_t> allocations_{0};
  std::atomic<std::int64_t> allocated_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> complaints_;
  std::vector<Violation> violations_;
};

}  // namespace trestle::conformance
