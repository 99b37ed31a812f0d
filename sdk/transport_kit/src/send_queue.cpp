// Queued bytes of a stream.
#include <trestle/transport_kit/send_queue.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace trestle::transport_kit {

std::size_t gathered_bytes(std::span<const tt_iov> segments) noexcept {
  std::size_t total = 0;
  for (const tt_iov& segment : segments) {
    if (segment.len > std::numeric_limits<std::size_t>::max() - total) {
      return std::numeric_limits<std::size_t>::max();
    }
    total += segment.len;
  }
  return total;
}

std::span<tt_iov> without_prefix(std::span<tt_iov> segments, std::size_t count) noexcept {
  while (!segments.empty() && count >= segments.front().len) {
    count -= segments.front().len;
    segments = segments.subspan(1);
  }
  if (!segments.empty() && count > 0) {
    tt_iov& first = segments.front();
    first = {static_cast<const std::byte*>(first.base) + count, first.len - count};
  }
  return segments;
}

bool SendQueue::accepts(std::size_t count) const noexcept {
  return bytes_ == 0 || (bytes_ <= bytes_max_ && count <= bytes_max_ - bytes_);
}

void SendQueue::push_copied(std::span<const tt_iov> segments) {
  const std::size_t count = gathered_bytes(segments);
  if (count == 0) return;
  std::byte* target = append(count);
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;
    std::memcpy(target, segment.base, segment.len);
    target += segment.len;
  }
  bytes_ += count;
}

std::byte* SendQueue::append(std::size_t count) {
  constexpr std::size_t storage_bytes_min = 4096;
  if (chunks_.empty() || chunks_.back().spare < count) {
    const std::size_t room = std::max(count, storage_bytes_min);
    auto storage = std::make_unique_for_overwrite<std::byte[]>(room);
    const std::byte* data = storage.get();
    chunks_.push_back(Chunk{data, 0, std::move(storage), room});
  }
  Chunk& last = chunks_.back();
  // The consumed prefix is gone from `data` and `size`, so the end is found from both.
  std::byte* end = last.storage.get() + (last.data - last.storage.get()) + last.size;
  last.size += count;
  last.spare -= count;
  return end;
}

void SendQueue::push_borrowed(std::span<const tt_iov> segments, std::uint64_t op) {
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;
    chunks_.push_back(Chunk{static_cast<const std::byte*>(segment.base), segment.len, nullptr});
    bytes_ += segment.len;
  }
  if (chunks_.empty()) return;
  chunks_.back().ends_op = true;
  chunks_.back().op = op;
}

std::size_t SendQueue::gather(std::span<tt_iov> out) const noexcept {
  const std::size_t count = std::min(out.size(), chunks_.size());
  for (std::size_t i = 0; i < count; ++i) out[i] = {chunks_[i].data, chunks_[i].size};
  return count;
}

std::vector<std::uint64_t> SendQueue::consume(std::size_t count) {
  std::vector<std::uint64_t> finished;
  bytes_ -= count;
  while (count > 0) {
    Chunk& first = chunks_.front();
    if (count < first.size) {
      first.data += count;
      first.size -= count;
      break;
    }
    count -= first.size;
    if (first.ends_op) finished.push_back(first.op);
    chunks_.pop_front();
  }
  return finished;
}

std::vector<std::uint64_t> SendQueue::drop() {
  std::vector<std::uint64_t> finished;
  for (const Chunk& chunk : chunks_) {
    if (chunk.ends_op) finished.push_back(chunk.op);
  }
  chunks_.clear();
  bytes_ = 0;
  return finished;
}

}  // namespace trestle::transport_kit
