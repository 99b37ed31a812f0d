// Receive buffers that a transport lent, held by payloads on any thread.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/payload.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "memory/block_allocator.hpp"

namespace trestle::engine {

class Transport;

/// Where buffers go that their readers are done with, until the leader hands them back.
/// Co-owned by the engine and by every hold, because a reader may outlive its node.
/// Threads: any.
class ReleaseQueue {
 public:
  using Entry = std::pair<Transport*, tt_rx*>;

  explicit ReleaseQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  void push(Transport* transport, tt_rx* rx) {
    const std::lock_guard lock(mutex_);
    entries_.emplace_back(transport, rx);
    any_.store(true, std::memory_order_seq_cst);
    wake_();
  }

  bool empty() const noexcept { return !any_.load(std::memory_order_seq_cst); }

  /// What came since the last call; valid until the next one. Threads: under the engine's lock.
  const std::vector<Entry>& take() {
    taken_.clear();
    if (empty()) return taken_;
    const std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_relaxed);  // written under the mutex alone
    taken_.swap(entries_);
    return taken_;
  }

 private:
  std::mutex mutex_;
  std::vector<Entry> entries_;
  std::vector<Entry> taken_;  // keeps its memory for the next entries
  // seq_cst: stored before asking whether somebody sleeps, loaded after saying so; one of the two
  // sees the other.
  std::atomic<bool> any_{false};
  std::function<void()> wake_;
};

/// Counts the readers of one lent buffer; the last one gives it back: at once where the transport
/// takes it from any thread, else through the queue.
class PacketHold {
 public:
  PacketHold(const std::shared_ptr<ReleaseQueue>& queue, Transport& transport, tt_rx* rx);

  // One per packet, so its memory is recycled.
  static void* operator new(std::size_t size) { return memory::allocate(size); }
  static void operator delete(void* hold, std::size_t size) noexcept {
    memory::deallocate(hold, size);
  }

  void add_reader() noexcept { readers_.fetch_add(1, std::memory_order_relaxed); }

  /// Fits Payload::Release.
  static void drop_reader(void* hold) noexcept {
    auto* self = static_cast<PacketHold*>(hold);
    // The only reader stays the only one: readers are added by one who is a reader itself.
    // acquire, acq_rel: what every reader did with the bytes happens before they are given back.
    if (self->readers_.load(std::memory_order_acquire) == 1 ||
        self->readers_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      self->give_back();
    }
  }

 private:
  ~PacketHold() = default;
  void give_back() noexcept;

  std::shared_ptr<ReleaseQueue> queue_;  // empty: not needed
  Transport& transport_;
  tt_rx* rx_;
  std::atomic<int> readers_{1};
};

/// The packet that is being delivered. Lifetime: the call that it is passed to, unless moved from.
class PacketSource {
 public:
  /// `rx` null: a packet that cannot be lent.
  PacketSource(Transport& transport, tt_rx* rx, const std::shared_ptr<ReleaseQueue>& queue,
               std::size_t packet_bytes) noexcept
      : transport_(&transport), rx_(rx), queue_(&queue), packet_bytes_(packet_bytes) {}
  /// A packet of the node to itself.
  PacketSource() noexcept = default;
  /// What is delivered later takes over.
  PacketSource(PacketSource&& other) noexcept
      : transport_(other.transport_),
        rx_(std::exchange(other.rx_, nullptr)),
        queue_(other.queue_),
        hold_(std::exchange(other.hold_, nullptr)),
        packet_bytes_(other.packet_bytes_),
        ends_with_part_(other.ends_with_part_) {}
  PacketSource& operator=(PacketSource&&) = delete;
  PacketSource(const PacketSource&) = delete;
  PacketSource& operator=(const PacketSource&) = delete;
  ~PacketSource() {
    if (rx_ != nullptr || hold_ != nullptr) let_go();
  }

  /// False: the bytes are valid during the call alone.
  bool is_lent() const noexcept { return rx_ != nullptr; }

  /// Makes `part` of the packet outlive the call. Small parts are copied, so that few large
  /// buffers, not many small readers, keep a transport's receive pool busy; so are small parts of
  /// large packets, because a part that is lent keeps its whole packet.
  Payload keep(BytesView part) {
    if (part.size() <= copy_bytes_max) return Payload::copy(part);
    return keep_large(part);
  }

  /// Makes `part` outlive the call, for the present turn only: then a large one is not copied, even
  /// if it keeps a larger packet.
  Payload keep_for_turn(BytesView part) {
    if (rx_ == nullptr || part.size() <= copy_bytes_max) return Payload::copy(part);
    if (hold_ == nullptr) hold_ = new PacketHold(*queue_, *transport_, rx_);
    hold_->add_reader();
    return Payload::lend(part, &PacketHold::drop_reader, hold_);
  }

  /// Nothing of the packet is read after the next part that is kept: whoever has that is the last
  /// reader, and counting another one can be saved.
  void end_with_next_part() noexcept { ends_with_part_ = true; }

 private:
  static constexpr std::size_t copy_bytes_max = 4096;
  /// A packet that is kept for one part of it is at most so many times as large.
  static constexpr std::size_t waste_max = 4;

  void let_go() noexcept;
  [[gnu::noinline]] Payload keep_large(BytesView part) {
    if (rx_ == nullptr || part.size() < packet_bytes_ / waste_max) return Payload::copy(part);
    if (hold_ == nullptr) hold_ = new PacketHold(*queue_, *transport_, rx_);
    if (ends_with_part_) {
      rx_ = nullptr;
      return Payload::lend(part, &PacketHold::drop_reader, std::exchange(hold_, nullptr));
    }
    hold_->add_reader();
    return Payload::lend(part, &PacketHold::drop_reader, hold_);
  }

  Transport* transport_ = nullptr;
  tt_rx* rx_ = nullptr;
  const std::shared_ptr<ReleaseQueue>* queue_ = nullptr;
  PacketHold* hold_ = nullptr;  // made for the first part that is lent
  std::size_t packet_bytes_ = 0;
  bool ends_with_part_ = false;
};

}  // namespace trestle::engine
