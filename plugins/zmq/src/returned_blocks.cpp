// Handing memory back across threads.
#include "returned_blocks.hpp"

#include <cstdlib>
#include <utility>

namespace trestle::zeromq {

ReturnedBlocks::~ReturnedBlocks() {
  take_all([](const Block&) {});
}

void ReturnedBlocks::destroy(Block* block) noexcept {
  std::free(block->copy);
  delete block;
}

void ReturnedBlocks::begin_wait() noexcept {
  // seq_cst, as in give_back: it counts, then looks at the stack; a thread that gives back adds to
  // the stack, then loads. One of the two sees the other.
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  if (top_.load(std::memory_order_seq_cst) != nullptr) tell();
}

void ReturnedBlocks::tell() noexcept {
  // seq_cst: stored before asking whether the host sleeps, loaded after it said so.
  has_news_.store(true, std::memory_order_seq_cst);
  const sdk::Host host = host_;  // the blocks may be taken, and this destroyed, from here on
  host.wake();
}

void ReturnedBlocks::give_back(void*, void* hint) noexcept {
  auto* block = static_cast<Block*>(hint);
  // acq_rel: whoever is last sees that all threads are done with their frames.
  if (block->frames.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::free(std::exchange(block->copy, nullptr));
  ReturnedBlocks& home = *block->home;
  const bool is_lent = block->op.has_value();
  Block* top = home.top_.load(std::memory_order_relaxed);
  do {
    block->next = top;
    // seq_cst, which releases, too: pairs with pop_all, which reads the block, and begin_wait.
  } while (!home.top_.compare_exchange_weak(top, block, std::memory_order_seq_cst,
                                            std::memory_order_relaxed));
  // Whose memory was copied needs no word of it, unless somebody waits for room.
  if (is_lent || home.waiting_.load(std::memory_order_seq_cst) != 0) home.tell();
}

bool ReturnedBlocks::empty() const noexcept {
  return top_.load(std::memory_order_relaxed) == nullptr;
}

bool ReturnedBlocks::has_news() const noexcept {
  return has_news_.load(std::memory_order_seq_cst);
}

Block* ReturnedBlocks::pop_all() noexcept {
  // Before the stack is taken: what comes after is told, or taken.
  has_news_.store(false, std::memory_order_seq_cst);
  // seq_cst, which acquires, too: pairs with give_back.
  Block* block = top_.exchange(nullptr, std::memory_order_seq_cst);
  Block* first = nullptr;
  while (block != nullptr) first = std::exchange(block, std::exchange(block->next, first));
  return first;
}

}  // namespace trestle::zeromq
