// An eventfd for wake(), a vector for log(), plain memory.
#include "test_host.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <trestle/sdk/plugin.hpp>

#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "failure.hpp"
#include "inner_plugins.hpp"

namespace trestle::conformance {
namespace {

constexpr std::uint32_t depth_max = 4;

// So that a plugin which shows memory that it has not filled, or has given back, is found out.
constexpr int fresh_byte = 0xA5;
constexpr int returned_byte = 0xDD;

thread_local bool drives = false;

}  // namespace

TestHost::TestHost(ClockKind clock, Subject subject)
    : subject_(std::move(subject)),
      clock_(clock),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
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
    std::memset(p, returned_byte, size);
    self(table).allocated_.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
    ::operator delete (p, std::align_val_t{align});
  };
  table_.extension = [](const tt_host* table, const char* id) {
    return self(table).find_extension(id);
  };
  this_thread_drives();
}

TestHost::~TestHost() {
  ::close(wake_fd_);
}

void TestHost::this_thread_drives() {
  drives = true;
}

const void* TestHost::find_extension(const char* id) {
  static constexpr tt_stack stack{
      sizeof(tt_stack), depth_max,
      [](const tt_host* table, const tt_open_params* params, tt_inner* out, tt_error* error) {
        return self(table).open_inner(table, *params, *out, error);
      }};
  if (!drives) {
    const std::lock_guard lock(mutex_);
    violations_.push_back({&rules::own_threads, "extension()"});
  }
  return std::string_view(id) == TT_STACK_ID ? &stack : nullptr;
}

TestHost& TestHost::self(const tt_host* table) {
  return *static_cast<TestHost*>(table->ctx);
}

std::uint32_t TestHost::depth_of(const tt_host* table) const {
  for (const auto& inner : inner_tables_) {
    if (&inner->table == table) return inner->depth;
  }
  return 1;  // of the kit itself, or a check's copy of it
}

tt_status TestHost::open_inner(const tt_host* wrapper, const tt_open_params& params, tt_inner& out,
                               tt_error* error) {
  const std::string scheme = params.scheme;
  try {
    const std::uint32_t depth = depth_of(wrapper) + 1;
    expect(depth <= depth_max, "inner transport '" + scheme + "': expected at most " +
                                   std::to_string(depth_max) +
                                   " transports on top of one another, got more");
    const tt_plugin& plugin = load_inner_plugin(subject_, scheme);
    tt_inner inner{sizeof(inner), reach_of(subject_, plugin, scheme), plugin.ops, nullptr};
    // One that fails keeps its table until the end: what it opened itself has tables after it.
    inner_tables_.push_back(std::make_unique<InnerTable>(InnerTable{table_, depth}));
    const tt_host* const table = &inner_tables_.back()->table;
    const tt_status status = plugin.ops->open(table, &params, &inner.transport, error);
    if (status >= 0) sdk::fill_table(&out, inner);
    return status;
  } catch (const Failed& failed) {
    sdk::fill_error(error, sdk::Error(TT_E_ADDR, failed.text));
    return TT_E_ADDR;
  }
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
  std::memset(memory, fresh_byte, size);
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

std::vector<Violation> TestHost::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

std::vector<std::string> TestHost::complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

}  // namespace trestle::conformance
