// UTF-8 by the table of well-formed byte sequences (Unicode, table 3-7).
#include "codec/utf8.hpp"

#include <cstdint>

namespace trestle::codec {
namespace {

/// What must follow a lead byte: so many bytes, the first of them within a range.
struct Sequence {
  unsigned following;  // 0: not a lead byte
  std::uint8_t first_min;
  std::uint8_t first_max;
};

Sequence sequence_of(std::uint8_t lead) noexcept {
  if (lead < 0xc2) return {0, 0, 0};
  if (lead < 0xe0) return {1, 0x80, 0xbf};
  if (lead == 0xe0) return {2, 0xa0, 0xbf};
  if (lead == 0xed) return {2, 0x80, 0x9f};
  if (lead < 0xf0) return {2, 0x80, 0xbf};
  if (lead == 0xf0) return {3, 0x90, 0xbf};
  if (lead < 0xf4) return {3, 0x80, 0xbf};
  if (lead == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const Sequence sequence = sequence_of(lead);
    if (sequence.following == 0 || text.size() - at <= sequence.following) return at;
    const auto first = static_cast<std::uint8_t>(text[at + 1]);
    if (first < sequence.first_min || first > sequence.first_max) return at;
    for (unsigned i = 2; i <= sequence.following; ++i) {
      if ((static_cast<std::uint8_t>(text[at + i]) & 0xc0) != 0x80) return at;
    }
    at += sequence.following + 1;
  }
  return text.size();
}

}  // namespace trestle::codec
