// Queued bytes of a stream.
#include <trestle/transport_kit/send_queue.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace trestle::transport_kit {
namespace {

constexpr std::size_t storage_bytes_min = 4096;

}  // namespace

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
  if (segments() == 0 || chunks_.back().room() < count) {
    const std::size_t capacity = std::max(count, storage_bytes_min);
    auto storage = capacity == storage_bytes_min && spare_ != nullptr
                       ? std::move(spare_)
                       : std::make_unique_for_overwrite<std::byte[]>(capacity);
    const std::byte* data = storage.get();
    add(Chunk{.data = data, .size = 0, .storage = std::move(storage), .capacity = capacity});
  }
  Chunk& last = chunks_.back();
  std::byte* end = last.end();
  last.size += count;
  return end;
}

void SendQueue::add(Chunk chunk) {
  if (first_ > 0 && chunks_.size() == chunks_.capacity()) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  chunks_.push_back(std::move(chunk));
}

void SendQueue::remove_first() noexcept {
  Chunk& first = chunks_[first_];
  if (first.capacity == storage_bytes_min) spare_ = std::move(first.storage);
  first = Chunk{};
  if (++first_ < chunks_.size()) return;
  chunks_.clear();
  first_ = 0;
}

void SendQueue::push_constant(std::span<const std::byte> bytes) {
  add(Chunk{.data = bytes.data(), .size = bytes.size()});
  bytes_ += bytes.size();
}

void SendQueue::push_borrowed(std::span<const tt_iov> segments, std::uint64_t op) {
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;
    add(Chunk{.data = static_cast<const std::byte*>(segment.base), .size = segment.len});
    bytes_ += segment.len;
  }
  if (this->segments() == 0) return;
  chunks_.back().ends_op = true;
  chunks_.back().op = op;
}

std::size_t SendQueue::gather(std::span<tt_iov> out) const noexcept {
  const std::size_t count = std::min(out.size(), segments());
  for (std::size_t i = 0; i < count; ++i) {
    const Chunk& chunk = chunks_[first_ + i];
    out[i] = {chunk.data, chunk.size};
  }
  return count;
}

const std::vector<std::uint64_t>& SendQueue::consume(std::size_t count) {
  finished_.clear();
  bytes_ -= count;
  while (count > 0) {
    Chunk& first = chunks_[first_];
    if (count < first.size) {
      first.data += count;
      first.size -= count;
      break;
    }
    count -= first.size;
    if (first.ends_op) finished_.push_back(first.op);
    remove_first();
  }
  return finished_;
}

const std::vector<std::uint64_t>& SendQueue::drop() {
  finished_.clear();
  for (; segments() > 0; remove_first()) {
    if (chunks_[first_].ends_op) finished_.push_back(chunks_[first_].op);
  }
  bytes_ = 0;
  return finished_;
}

}  // namespace trestle::transport_kit
