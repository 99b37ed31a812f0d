// The queue of events of one transport: records one behind the other in memory that is used again.
#pragma once

#include <trestle/thin_transport.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "side.hpp"

namespace trestle::inproc {

class Link;
class Listener;
class Packet;

/// Sends up to this many bytes are copied, into the queue itself, and never pend.
inline constexpr std::uint32_t copy_bytes_max = 4096;

/// What two threads write is kept so far apart.
inline constexpr std::size_t cache_line_bytes = 64;

/// An event that waits for progress(), and `size` bytes behind it: a copied packet, or a text.
/// What it points to lives until the event has been delivered.
struct Record {
  std::atomic<std::uint32_t> stride{0};  ///< bytes to the next record; 0 while this is not whole
  std::uint32_t size = 0;
  std::uint16_t kind = 0;       ///< TT_EV_*; 0 ends a chunk
  Side side = Side::connector;  ///< the end of `link` that it is for
  tt_status status = TT_OK;
  std::uint64_t op = 0;
  Link* link = nullptr;
  Packet* packet = nullptr;      ///< of PACKET, if it is too large to be copied into the queue
  Listener* listener = nullptr;  ///< of ACCEPTED and UNLISTENED

  std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(this + 1); }
};

/// Bytes that a record of `size` takes.
constexpr std::uint32_t stride_of(std::size_t size) {
  const std::size_t bytes = sizeof(Record) + size + cache_line_bytes - 1;
  return static_cast<std::uint32_t>(bytes / cache_line_bytes * cache_line_bytes);
}

/// Unbounded, first in, first out. Keeps one chunk in use and one spare; more only while records
/// wait.
///
/// Records lie at cache lines of their own in chunks. Writing one clears the `stride` behind it and
/// then sets its own, so the reader needs no count and no index of the writers: it looks at the
/// very line in which the next record will appear. A record goes from one thread to the other with
/// the transfer of that line and of those that hold its bytes.
///
/// Threads: under the owner's lock for `begin` and `commit`; the rest is for one reader at a time,
/// without that lock.
class RecordQueue {
 public:
  RecordQueue();
  ~RecordQueue();
  RecordQueue(const RecordQueue&) = delete;
  RecordQueue& operator=(const RecordQueue&) = delete;

  /// The place of the next record, with room for `size` bytes, at most copy_bytes_max. Fill it,
  /// its bytes before its members, then commit(): the reader looks at the line of the members all
  /// the time, and would take it away in between.
  /// Errors: throws std::bad_alloc, and nothing has happened.
  Record& begin(std::size_t size) {
    const std::uint32_t stride = stride_of(size);
    // Behind each record there is room for one that ends the chunk.
    if (static_cast<std::size_t>(writing_->end() - at(write_)) < stride + cache_line_bytes) {
      start_chunk();
    }
    next_ = new (at(write_) + stride) Record;
    size_ = static_cast<std::uint32_t>(size);
    return *write_;
  }

  /// Shows the record to the reader.
  void commit() {
    write_->size = size_;
    // Pairs with the load in front(): who sees this stride sees the record, its bytes, and the
    // empty stride behind it.
    write_->stride.store(static_cast<std::uint32_t>(at(next_) - at(write_)),
                         std::memory_order_release);
    write_ = next_;
  }

  /// The oldest record that was not popped; null if there is none.
  const Record* front() {
    // Pairs with the stores in commit() and start_chunk().
    while (read_->stride.load(std::memory_order_acquire) != 0) {
      if (read_->kind != 0) return read_;
      reading_ = reading_->next;
      read_ = reading_->first();
    }
    return nullptr;
  }

  /// Removes front(), whose memory stays as it is until recycle().
  void pop() {
    const std::uint32_t stride = read_->stride.load(std::memory_order_relaxed);  // read by front()
    read_ = std::launder(reinterpret_cast<Record*>(at(read_) + stride));
  }

  /// Lets the memory of what was popped be used again.
  void recycle() {
    if (oldest_ != reading_) recycle_chunks();
  }

 private:
  static std::byte* at(Record* record) { return reinterpret_cast<std::byte*>(record); }

  /// Holds two of the largest records, or a hundred small ones.
  struct alignas(cache_line_bytes) Chunk {
    Chunk* next = nullptr;
    alignas(cache_line_bytes) std::byte memory[2 * stride_of(copy_bytes_max) + cache_line_bytes];

    Record* first() { return std::launder(reinterpret_cast<Record*>(memory)); }
    std::byte* end() { return memory + sizeof(memory); }
  };

  static Chunk* clear(Chunk* chunk);
  void start_chunk();
  void recycle_chunks();

  // The writers'.
  alignas(cache_line_bytes) Chunk* writing_;
  Record* write_;
  Record* next_ = nullptr;  ///< behind the one that was begun
  std::uint32_t size_ = 0;  ///< of the one that was begun
  // The reader's. From the oldest chunk to the one it reads, `next` leads through those that the
  // last batch may still refer to.
  alignas(cache_line_bytes) Chunk* reading_;
  Record* read_;
  Chunk* oldest_;
  // From the reader to the writers, once for a whole chunk.
  alignas(cache_line_bytes) std::atomic<Chunk*> spare_{nullptr};
};

}  // namespace trestle::inproc
