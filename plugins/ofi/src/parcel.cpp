// Cutting packets into messages.
#include "parcel.hpp"

#include <algorithm>
#include <utility>

namespace trestle::ofi {
namespace {

std::span<const std::byte> bytes_of(const tt_iov& segment) {
  return {static_cast<const std::byte*>(segment.base), segment.len};
}

}  // namespace

sdk::Result<Parcel> Parcel::copy(std::span<const tt_iov> segments, std::size_t bytes,
                                 MessageMemory& memory) {
  Parcel parcel;
  parcel.bytes_ = parcel.gap_end_ = bytes;
  if (bytes == 0) return parcel;
  auto storage = memory.take(bytes);
  if (storage.has_error()) return storage.error();
  parcel.storage_ = std::move(*storage);
  std::byte* end = parcel.storage_->bytes().data();
  for (const tt_iov& segment : segments) {
    end = std::copy(bytes_of(segment).begin(), bytes_of(segment).end(), end);
  }
  parcel.segments_.push_back({parcel.storage_->bytes().data(), bytes});
  return parcel;
}

sdk::Result<Parcel> Parcel::borrow(std::span<const tt_iov> segments, std::size_t bytes,
                                   std::uint64_t op, MessageMemory& memory) {
  Parcel parcel;
  parcel.bytes_ = parcel.gap_end_ = bytes;
  parcel.borrowed_ = true;
  parcel.op_ = op;
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;
    auto region = memory.register_for_send(bytes_of(segment));
    if (region.has_error()) return region.error();
    if (*region != nullptr) parcel.regions_.push_back(std::move(*region));
    parcel.segments_.push_back(segment);
  }
  return parcel;
}

void Parcel::slice(std::size_t offset, std::size_t bytes_max, std::size_t segment_count_max,
                   Slice& out) const {
  out.count = out.bytes = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const tt_iov& segment = segments_[i];
    if (offset >= segment.len) {
      offset -= segment.len;
      continue;
    }
    if (out.count == segment_count_max || out.bytes == bytes_max) return;
    auto* const start = const_cast<std::byte*>(bytes_of(segment).data()) + offset;
    const std::size_t length = std::min(segment.len - offset, bytes_max - out.bytes);
    out.segments[out.count] = {start, length};
    out.descriptors[out.count] =
        storage_ != nullptr ? storage_->descriptor()
                            : (i < regions_.size() ? fi_mr_desc(regions_[i].get()) : nullptr);
    ++out.count;
    out.bytes += length;
    offset = 0;
  }
}

void Parcel::next_part(std::size_t bytes_max, std::size_t segment_count_max, Slice& out) const {
  slice(cursor_, std::min(bytes_max, gap_end_ - cursor_), segment_count_max, out);
}

void Parcel::take_part(std::size_t bytes) noexcept {
  cursor_ += bytes;
  cross_gap();
}

bool Parcel::accepts(const Grant& grant) const noexcept {
  return announced_ && gap_end_ == bytes_ && grant.offset >= cursor_ && grant.offset < bytes_ &&
         grant.bytes > 0 && grant.bytes <= bytes_ - grant.offset;
}

void Parcel::direct_part(const Grant& grant, std::size_t segment_count_max, Slice& out) const {
  slice(grant.offset, grant.bytes, segment_count_max, out);
}

void Parcel::take_direct(const Grant& grant, std::size_t bytes) noexcept {
  gap_end_ = grant.offset;
  resume_at_ = grant.offset + bytes;
  direct_sent_ = true;
  cross_gap();
}

void Parcel::cross_gap() noexcept {
  if (!direct_sent_ || cursor_ != gap_end_) return;
  cursor_ = resume_at_;
  gap_end_ = bytes_;
  direct_sent_ = false;
}

void Parcel::release_storage() {
  if (storage_ == nullptr) return;
  MessageMemory& home = *storage_->home;
  home.give_back(std::move(storage_));
}

}  // namespace trestle::ofi
