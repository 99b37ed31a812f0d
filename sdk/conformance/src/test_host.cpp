// An eventfd for wake(), a vector for log(), plain memory.
#include "test_host.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <new>

#include "failure.hpp"

namespace trestle::conformance {

TestHost::TestHost(ClockKind clock)
    : clock_(clock), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  expect(wake_fd_ >= 0, "eventfd: the kit itself is out of file descriptors");
  table_.size = sizeof(table_);
  table_.abi_major = TT_ABI_MAJOR;
  table_.abi_minor = TT_ABI_MINOR;
  table_.ctx = this;
  table_.wake = [](const tt_host* table) { self(table).wake(); };
  table_.now = [](const tt_host* table) { return self(table).now_ns(); };
  table_.log = [](const tt_host* table, std::int32_t level, const char* text) {
    self(table).log(level, text);
  };
  table_.alloc = [](const tt_host* table, std::size_t size, std::size_t align) {
    return self(table).alloc(size, align);
  };
  table_.dealloc = [](const tt_host* table, void* p, std::size_t size, std::size_t align) {
    if (p == nullptr) return;
    self(table).allocated_.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
    ::operator delete (p, std::align_val_t{align});
  };
  table_.extension = [](const tt_host*, const char*) -> const void* { return nullptr; };
}

TestHost::~TestHost() {
  ::close(wake_fd_);
}

TestHost& TestHost::self(const tt_host* table) {
  return *static_cast<TestHost*>(table->ctx);
}

void TestHost::wake() {
  wakes_.fetch_add(1, std::memory_order_relaxed);  // a count; the eventfd carries the order
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the descriptor is readable anyway.
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof(one));
}

void TestHost::consume_wake() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof(count));
}

std::uint64_t TestHost::now_ns() const {
  if (clock_ == ClockKind::manual) return manual_now_ns_.load(std::memory_order_relaxed);
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count());
}

void TestHost::advance(std::chrono::nanoseconds step) {
  manual_now_ns_.fetch_add(static_cast<std::uint64_t>(step.count()), std::memory_order_relaxed);
}

void* TestHost::alloc(std::size_t size, std::size_t align) {
  const std::uint64_t before = allocations_.fetch_add(1, std::memory_order_relaxed);
  if (before >= granted_.load(std::memory_order_relaxed)) return nullptr;
  void* const memory = ::operator new (size, std::align_val_t{align}, std::nothrow);
  if (memory == nullptr) return nullptr;
  allocated_.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
  return memory;
}

void TestHost::grant_allocations(std::uint64_t count) {
  const std::uint64_t before = allocations_.load(std::memory_order_relaxed);
  granted_.store(count == unlimited ? unlimited : before + count, std::memory_order_relaxed);
}

void TestHost::log(std::int32_t level, const char* text) {
  if (level > TT_LOG_WARN) return;
  const std::lock_guard lock(mutex_);
  complaints_.emplace_back(text);
}

std::vector<std::string> TestHost::complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

}  // namespace trestle::conformance
