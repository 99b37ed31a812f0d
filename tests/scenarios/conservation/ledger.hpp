// What became of each message, in memory that outlives the processes that write it.
#pragma once

#include <trestle/error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace trestle::scenarios {

/// How a message ended at its sender. Each message that was begun gets one of these.
enum class Fate : std::uint8_t {
  none,       ///< not begun, or begun and without an end: that is what must not happen
  admitted,   ///< nobody answers it: it ran at most once
  succeeded,  ///< its outcome says that it ran
  not_run,    ///< failed, and provably did not run
  may_have_run,
  ran,  ///< its handler refused it; ours never do
};

/// One message: how it ended here, and how often it ran there.
struct Entry {
  std::atomic<Fate> fate;
  std::atomic<std::uint8_t> runs;
};
static_assert(std::atomic<Fate>::is_always_lock_free, "shared between processes");

/// The messages of one client.
struct ClientPage {
  std::atomic<std::uint64_t> begun;                     ///< entries beyond were not used
  std::array<std::atomic<std::uint64_t>, 256> reasons;  ///< of failures, by Errc
};

/// A mapping that the driver makes and its children inherit by descriptor. A killed process leaves
/// all that it wrote. Threads and processes: any.
class Ledger {
 public:
  struct Size {
    std::size_t clients = 1;
    std::size_t messages_max = 1;  ///< of each client
  };

  /// A new one.
  explicit Ledger(Size size);
  /// The driver's, in a child.
  Ledger(Size size, int descriptor);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger();

  Size size() const noexcept { return size_; }
  /// Which children inherit.
  int descriptor() const noexcept { return descriptor_; }

  ClientPage& client(std::size_t client) const noexcept { return pages_[client]; }
  Entry& entry(std::size_t client, std::size_t number) const noexcept {
    return entries_[client * size_.messages_max + number];
  }
  /// Set by the driver when clients shall send no more.
  std::atomic<bool>& is_over() const noexcept { return *is_over_; }
  /// Messages that ran, of all clients.
  std::atomic<std::uint64_t>& runs() const noexcept { return *runs_; }

 private:
  void map();
  std::size_t bytes() const noexcept;

  Size size_;
  int descriptor_;
  void* memory_ = nullptr;
  std::atomic<bool>* is_over_ = nullptr;
  std::atomic<std::uint64_t>* runs_ = nullptr;
  ClientPage* pages_ = nullptr;
  Entry* entries_ = nullptr;
};

}  // namespace trestle::scenarios
