// Memory that libzmq has done with, on its way back from libzmq's threads.
#pragma once

#include <trestle/sdk/host.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace trestle::zeromq {

class ReturnedBlocks;

/// The account of one large packet whose frames libzmq holds.
struct Block {
  ReturnedBlocks* home = nullptr;
  Block* next = nullptr;
  std::uint64_t connection = 0;     ///< its number; the connection itself may be gone
  std::size_t bytes = 0;            ///< of the packet
  std::optional<std::uint64_t> op;  ///< of lent memory, for SENT
  void* copy = nullptr;             ///< memory of our own, to be freed
  std::atomic<std::uint32_t> frames{0};
};

/// A stack that libzmq's threads push to and the leader empties. Nothing is done on their threads
/// beyond that; only `give_back` may run beside others. Threads: distinct objects safe.
class ReturnedBlocks {
 public:
  explicit ReturnedBlocks(sdk::Host host) noexcept : host_(host) {}
  ~ReturnedBlocks();
  ReturnedBlocks(const ReturnedBlocks&) = delete;
  ReturnedBlocks& operator=(const ReturnedBlocks&) = delete;

  /// zmq_free_fn of one frame; `hint` is its Block.
  static void give_back(void* bytes, void* hint) noexcept;

  /// Somebody waits for room: the host is woken for each block that comes back. Without that it is
  /// only for memory that was lent.
  void begin_wait() noexcept;
  /// One less.
  void end_wait() noexcept { waiting_.fetch_sub(1, std::memory_order_seq_cst); }

  bool empty() const noexcept;
  /// Blocks came back that somebody waits for.
  bool has_news() const noexcept;

  /// Calls `take(const Block&)` for each, in the order in which they came, and frees them.
  template <class Take>
  void take_all(Take take) {
    for (Block* block = pop_all(); block != nullptr;) {
      Block* next = block->next;
      take(const_cast<const Block&>(*block));
      destroy(block);
      block = next;
    }
  }

 private:
  void tell() noexcept;
  Block* pop_all() noexcept;
  static void destroy(Block* block) noexcept;

  sdk::Host host_;
  std::atomic<Block*> top_{nullptr};
  std::atomic<int> waiting_{0};
  std::atomic<bool> has_news_{false};
};

}  // namespace trestle::zeromq
