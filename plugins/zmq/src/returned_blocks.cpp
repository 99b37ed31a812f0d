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

void ReturnedBlocks::give_back(void*, void* hint) noexcept {
  auto* block = static_cast<Block*>(hint);
  // acq_rel: whoever is last sees that all threads are done with their frames.
  if (block->frames.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  ReturnedBlocks& home = *block->home;
  const sdk::Host host = home.host_;
  Block* top = home.top_.load(std::memory_order_relaxed);
  do {
    block->next = top;
    // release: pairs with the acquire in pop_all, which reads the block.
  } while (!home.top_.compare_exchange_weak(top, block, std::memory_order_release,
                                            std::memory_order_relaxed));
  if (top == nullptr) host.wake();  // otherwise whoever pushed before did
}

bool ReturnedBlocks::empty() const noexcept {
  return top_.load(std::memory_order_relaxed) == nullptr;
}

Block* ReturnedBlocks::pop_all() noexcept {
  // acquire: pairs with the release in give_back.
  Block* block = top_.exchange(nullptr, std::memory_order_acquire);
  Block* first = nullptr;
  while (block != nullptr) first = std::exchange(block, std::exchange(block->next, first));
  return first;
}

}  // namespace trestle::zeromq
