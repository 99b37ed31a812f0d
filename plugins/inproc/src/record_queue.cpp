// How chunks of records follow each other, and come back.
#include "record_queue.hpp"

#include <utility>

namespace trestle::inproc {

RecordQueue::RecordQueue()
    : writing_(clear(new Chunk)),
      write_(writing_->first()),
      reading_(writing_),
      read_(write_),
      oldest_(writing_) {}

RecordQueue::~RecordQueue() {
  while (oldest_ != nullptr) delete std::exchange(oldest_, oldest_->next);
  delete spare_.load(std::memory_order_relaxed);  // nobody else is left
}

RecordQueue::Chunk* RecordQueue::clear(Chunk* chunk) {
  chunk->next = nullptr;
  new (chunk->memory) Record;
  return chunk;
}

void RecordQueue::start_chunk() {
  // Pairs with the exchange in recycle_chunks(): the reader is done with all that was in there.
  Chunk* chunk = spare_.exchange(nullptr, std::memory_order_acquire);
  if (chunk == nullptr) chunk = new Chunk;
  writing_->next = clear(chunk);
  // Its kind is 0. Pairs with the load in front(): who sees this stride sees `next`.
  write_->stride.store(cache_line_bytes, std::memory_order_release);
  writing_ = chunk;
  write_ = chunk->first();
}

void RecordQueue::recycle_chunks() {
  while (oldest_ != reading_) {
    Chunk* const done = std::exchange(oldest_, oldest_->next);
    // Pairs with the exchange in start_chunk(). No acquire: a spare that is still there was put
    // there by a reader, and readers follow each other.
    delete spare_.exchange(done, std::memory_order_release);
  }
}

}  // namespace trestle::inproc
