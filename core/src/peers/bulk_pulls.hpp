// Payloads that this node reads out of the peer's memory, in order and ahead of it.
#pragma once

#include <trestle/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "engine/packet_hold.hpp"
#include "wire/frame.hpp"

namespace trestle::peers {

/// A payload that is read from the peer, or was.
struct BulkPull {
  std::uint64_t lease = 0;  ///< the peer's number
  std::uint64_t op = 0;     ///< ours
  std::size_t bytes = 0;
  std::optional<std::uint32_t> payload_sum{};
  std::optional<tt_status> ended{};  ///< empty: it is under way
  BytesView payload{};               ///< of a good end, in memory of `source`
  std::optional<engine::PacketSource> source{};
};

/// Those of one connection, in the order of their frames. The frame whose payload has to be read
/// next keeps all others waiting; of those, what was noted is read meanwhile, within bounds.
/// Threads: under the engine's lock.
class BulkPulls {
 public:
  /// Payloads that are read, or were, before their frames have their turn; and their bytes.
  static constexpr std::size_t ahead_max = 8;
  static constexpr std::size_t ahead_bytes_max = 4 * 1024 * 1024;
  /// Frames that are looked at ahead.
  static constexpr std::size_t noted_max = 64;

  /// Whether the handling of frames waits for the first payload.
  bool is_awaited() const noexcept { return head_.has_value(); }
  bool has_first() const noexcept { return is_awaited() && pulls_.front().ended.has_value(); }

  /// A pull frame was seen whose turn comes later.
  bool may_note() const noexcept { return noted_.size() < noted_max; }
  void note(const wire::Pull& pull) {
    noted_.push_back(pull);
    noted_.back().frame = {};  // of a packet that may move
  }
  /// The next one to be read ahead, if there is room.
  const wire::Pull* next_ahead() const noexcept {
    if (noted_.empty() || pulls_.size() >= ahead_max) return nullptr;
    if (bytes_ + noted_.front().payload_bytes > ahead_bytes_max) return nullptr;
    return &noted_.front();
  }
  /// The reading of next_ahead() has begun.
  void begin_ahead(std::uint64_t op) {
    pulls_.push_back(begun(noted_.front(), op));
    noted_.pop_front();
  }
  /// The reading of one whose frame has its turn has begun: it is in front of all others.
  void begin_first(const wire::Pull& pull, std::uint64_t op) {
    if (!noted_.empty() && noted_.front().lease == pull.lease) noted_.pop_front();
    pulls_.push_front(begun(pull, op));
  }
  std::uint64_t next_op() noexcept { return ++last_op_; }

  /// The frame of the first one has its turn, and waits. Of it `head` is all but the payload.
  void await_first(std::string head) { head_ = std::move(head); }
  /// Whether that one is being read, or was.
  bool is_first(const wire::Pull& pull) const noexcept {
    return !pulls_.empty() && pulls_.front().lease == pull.lease &&
           pulls_.front().bytes == pull.payload_bytes;
  }
  /// It has ended, and nothing waits any more.
  std::pair<std::string, BulkPull> take_first() {
    std::pair<std::string, BulkPull> first{std::move(*head_), std::move(pulls_.front())};
    head_.reset();
    pulls_.pop_front();
    bytes_ -= first.second.bytes;
    return first;
  }
  /// Null: it was dropped.
  BulkPull* find(std::uint64_t op) noexcept {
    for (BulkPull& pull : pulls_) {
      if (pull.op == op) return &pull;
    }
    return nullptr;
  }
  void clear() noexcept {
    head_.reset();
    noted_.clear();
    pulls_.clear();
    bytes_ = 0;
  }

 private:
  BulkPull begun(const wire::Pull& pull, std::uint64_t op) {
    bytes_ += pull.payload_bytes;
    BulkPull begun;
    begun.lease = pull.lease;
    begun.op = op;
    begun.bytes = pull.payload_bytes;
    begun.payload_sum = pull.payload_sum;
    return begun;
  }

  std::deque<BulkPull> pulls_;
  std::deque<wire::Pull> noted_;
  std::optional<std::string> head_;
  std::size_t bytes_ = 0;
  std::uint64_t last_op_ = 0;
};

}  // namespace trestle::peers
