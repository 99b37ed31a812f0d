// Checks the structure of a MessagePack document before anything reads it.
//
// msgpuck's own mp_check is not enough: it counts what is left to see in an int, which an array
// that announces 0xffffffff elements wraps round to "nothing left", and it bounds no nesting.
#include "codec/msgpack_check.hpp"

#include <trestle/detail/writer.hpp>

#include <array>
#include <cstdint>

namespace trestle::codec {
namespace {

/// How to pass over an item, by its tag.
struct Layout {
  enum class Body : std::uint8_t { fixed, counted_bytes, counted_array, counted_map, invalid };

  Body body = Body::fixed;
  unsigned length_bytes = 0;  ///< size of the big-endian length or count behind the tag
  std::uint64_t size = 0;     ///< bytes on top, or the count itself where length_bytes is 0
};

using Body = Layout::Body;

Layout layout_of_high_tag(unsigned tag) noexcept {
  if (tag == 0xc1) return {Body::invalid, 0, 0};
  if (tag <= 0xc3) return {};                                                  // nil, booleans
  if (tag <= 0xc6) return {Body::counted_bytes, 1u << (tag - 0xc4), 0};        // bin
  if (tag <= 0xc9) return {Body::counted_bytes, 1u << (tag - 0xc7), 1};        // ext: and type
  if (tag <= 0xcb) return {Body::fixed, 0, tag == 0xca ? 4u : 8u};             // floats
  if (tag <= 0xcf) return {Body::fixed, 0, std::uint64_t{1} << (tag - 0xcc)};  // unsigned
  if (tag <= 0xd3) return {Body::fixed, 0, std::uint64_t{1} << (tag - 0xd0)};  // signed
  if (tag <= 0xd8) return {Body::fixed, 0, (std::uint64_t{1} << (tag - 0xd4)) + 1};  // fixext
  if (tag <= 0xdb) return {Body::counted_bytes, 1u << (tag - 0xd9), 0};              // str
  if (tag <= 0xdd) return {Body::counted_array, 2u << (tag - 0xdc), 0};
  if (tag <= 0xdf) return {Body::counted_map, 2u << (tag - 0xde), 0};
  return {};  // negative fixint
}

Layout layout_of(unsigned tag) noexcept {
  if (tag <= 0x7f) return {};  // positive fixint
  if (tag <= 0x8f) return {Body::counted_map, 0, tag & 0x0f};
  if (tag <= 0x9f) return {Body::counted_array, 0, tag & 0x0f};
  if (tag <= 0xbf) return {Body::fixed, 0, tag & 0x1f};  // fixstr
  return layout_of_high_tag(tag);
}

class Check {
 public:
  explicit Check(BytesView document) noexcept : document_(document) {}

  std::optional<std::string> run() {
    while (true) {
      while (pending_[depth_] == 0) {
        if (depth_ == 0) return trailing();
        --depth_;
      }
      --pending_[depth_];
      if (auto fault = item()) return fault;
    }
  }

 private:
  std::optional<std::string> item() {
    start_ = at_;
    if (left() == 0) return truncated();
    const Layout layout = layout_of(std::to_integer<unsigned>(document_[at_++]));
    if (layout.body == Body::invalid) {
      return "byte 0xc1 at offset " + std::to_string(start_) + " starts no MessagePack value";
    }
    if (left() < layout.length_bytes) return truncated();
    std::uint64_t size = layout.size;
    if (layout.length_bytes != 0) size += length(layout.length_bytes);
    if (layout.body == Body::counted_array) return descend(size, size);
    if (layout.body == Body::counted_map) return descend(size, 2 * size);
    if (left() < size) return truncated();
    at_ += static_cast<std::size_t>(size);
    return std::nullopt;
  }

  std::uint64_t length(unsigned bytes) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) {
      value = (value << 8) | std::to_integer<std::uint64_t>(document_[at_++]);
    }
    return value;
  }

  std::optional<std::string> descend(std::uint64_t count, std::uint64_t items) {
    if (depth_ == detail::nesting_max) {
      return "arrays and maps nest deeper than the limit of " +
             std::to_string(detail::nesting_max) + " levels at offset " + std::to_string(start_);
    }
    // Every item takes a byte, so that no count is believed that the bytes cannot back.
    if (items > left()) {
      return "the array or map at offset " + std::to_string(start_) + " announces " +
             std::to_string(count) + " elements, but only " + std::to_string(left()) +
             " bytes follow";
    }
    pending_[++depth_] = items;
    return std::nullopt;
  }

  std::optional<std::string> trailing() const {
    if (left() == 0) return std::nullopt;
    return std::to_string(left()) + " bytes follow after the value, which ends at offset " +
           std::to_string(at_);
  }
  std::string truncated() const {
    return "truncated: the value at offset " + std::to_string(start_) +
           " is cut off by the end at " + std::to_string(document_.size()) + " bytes";
  }

  std::size_t left() const noexcept { return document_.size() - at_; }

  BytesView document_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;  // of the item in hand
  std::size_t depth_ = 0;
  std::array<std::uint64_t, detail::nesting_max + 1> pending_{1};  // items to come, by depth
};

}  // namespace

std::optional<std::string> check_msgpack(BytesView document) {
  return Check(document).run();
}

}  // namespace trestle::codec
