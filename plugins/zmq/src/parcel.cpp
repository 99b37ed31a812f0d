// Making frames of what the host wants sent.
#include "parcel.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace trestle::zeromq {
namespace {

std::byte* append(std::byte* to, const tt_iov& segment) {
  if (segment.len > 0) std::memcpy(to, segment.base, segment.len);
  return to + segment.len;
}

std::unique_ptr<Block> make_block(const Sender& sender, std::size_t bytes) {
  auto block = std::make_unique<Block>();
  block->home = &sender.returned;
  block->connection = sender.connection;
  block->bytes = bytes;
  return block;
}

zmq::message_t copy_of(std::span<const tt_iov> segments, std::size_t bytes) {
  zmq::message_t frame(bytes);
  auto* to = static_cast<std::byte*>(frame.data());
  for (const tt_iov& segment : segments) to = append(to, segment);
  return frame;
}

zmq::message_t in_place(const void* bytes, std::size_t size, Block& block) {
  // relaxed: nobody else has the block yet, or libzmq's own hand-over orders it.
  block.frames.fetch_add(1, std::memory_order_relaxed);
  return zmq::message_t(const_cast<void*>(bytes), size, &ReturnedBlocks::give_back, &block);
}

}  // namespace

Parcel::Parcel(const ControlMessage& message) : bytes_(0), accounted_(false) {
  const ControlFrame frame = encode(message);
  frames_.emplace_back();
  frames_.emplace_back(frame.data(), frame.size());
}

Parcel Parcel::copied(std::span<const tt_iov> segments, std::size_t bytes, const Sender& sender) {
  Parcel parcel(bytes, bytes > copy_bytes_max);
  if (!parcel.accounted_) {
    parcel.first_ = copy_of(segments, bytes);
    return parcel;
  }
  auto block = make_block(sender, bytes);
  block->copy = std::malloc(bytes);
  if (block->copy == nullptr) throw std::bad_alloc();
  auto* to = static_cast<std::byte*>(block->copy);
  for (const tt_iov& segment : segments) to = append(to, segment);
  parcel.first_ = in_place(block->copy, bytes, *block);
  static_cast<void>(block.release());  // the frame has it
  return parcel;
}

Parcel Parcel::lent(std::span<const tt_iov> segments, std::size_t bytes, const Sender& sender,
                    std::uint64_t op) {
  Parcel parcel(bytes, true);
  auto block = make_block(sender, bytes);
  block->op = op;
  // One for this function, so that the account stays open while frames are made.
  block->frames.store(1, std::memory_order_relaxed);
  Block& account = *block;
  static_cast<void>(block.release());
  for (std::size_t at = 0; at < segments.size();) {
    std::size_t small = 0;
    std::size_t end = at;
    while (end < segments.size() && segments[end].len <= copy_bytes_max)
      small += segments[end++].len;
    if (small > 0) parcel.frames_.push_back(copy_of(segments.subspan(at, end - at), small));
    if (end < segments.size()) {
      parcel.frames_.push_back(in_place(segments[end].base, segments[end].len, account));
      ++end;
    }
    at = end;
  }
  ReturnedBlocks::give_back(nullptr, &account);
  return parcel;
}

}  // namespace trestle::zeromq
