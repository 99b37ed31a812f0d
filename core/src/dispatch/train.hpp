// Messages of one packet that run one after the other.
#pragma once

#include <trestle/codec_id.hpp>
#include <trestle/payload.hpp>

#include <cstddef>
#include <vector>

#include "memory/block_allocator.hpp"
#include "wire/frame.hpp"

namespace trestle::peers {
class Connection;
}
namespace trestle::registry {
struct Entry;
}

namespace trestle::dispatch {

/// One of them.
struct TrainMessage {
  registry::Entry* entry = nullptr;
  wire::CallId call;
  BytesView payload;
  Codec codec = Codec::bytes;
};

/// Messages for inline handlers that expect nothing: they share their packet and their sender, and
/// are queued as one. Lifetime of what it points to: that of Message.
/// Threads: under the engine's lock while it is filled, then the leader.
class Train {
 public:
  explicit Train(peers::Connection& from) noexcept : from_(from) {}

  peers::Connection& connection() const noexcept { return from_; }
  std::size_t size() const noexcept { return messages_.size() - next_; }
  bool empty() const noexcept { return next_ == messages_.size(); }

  void reserve(std::size_t messages) { messages_.reserve(messages); }
  void add(const TrainMessage& message) { messages_.push_back(message); }
  /// From the first byte of the payloads to the last.
  BytesView span() const noexcept {
    const std::byte* const first = messages_.front().payload.data();
    const BytesView last = messages_.back().payload;
    return {first, last.data() + last.size()};
  }
  /// The bytes of span() are there from now on.
  void move_to(Payload bytes) noexcept {
    const std::ptrdiff_t way = bytes.data() - span().data();
    if (way != 0) {
      for (TrainMessage& message : messages_) {
        message.payload = {message.payload.data() + way, message.payload.size()};
      }
    }
    bytes_ = std::move(bytes);
  }

  /// Those that have not left.
  auto begin() const noexcept { return messages_.begin() + static_cast<std::ptrdiff_t>(next_); }
  auto end() const noexcept { return messages_.end(); }

  /// The next one, which leaves the train.
  const TrainMessage& take() noexcept { return messages_[next_++]; }

 private:
  peers::Connection& from_;
  Payload bytes_;
  std::vector<TrainMessage, memory::BlockAllocator<TrainMessage>> messages_;
  std::size_t next_ = 0;
};

}  // namespace trestle::dispatch
