// Base64 both ways.
#include "codec/base64.hpp"

#include <array>
#include <cstdint>

namespace trestle::codec {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

}  // namespace

void append_base64(OutputBuffer& out, BytesView bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = std::min<std::size_t>(bytes.size(), 3);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8) | (i < taken ? std::to_integer<std::uint32_t>(bytes[i]) : 0u);
    }
    std::array<char, 4> digits{};
    for (unsigned i = 0; i < 4; ++i) {
      digits[i] = i <= taken ? alphabet[(group >> (18 - 6 * i)) & 63] : '=';
    }
    out.append(std::string_view(digits.data(), digits.size()));
    bytes = bytes.subspan(taken);
  }
}

bool decode_base64(std::string_view text, std::vector<std::byte>& into) {
  into.clear();
  if (text.size() % 4 != 0) return false;
  into.reserve(text.size() / 4 * 3);
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::uint8_t value = digit_values[static_cast<unsigned char>(c)];
    if (value == no_digit) return false;
    group = (group << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      into.push_back(static_cast<std::byte>((group >> bits) & 0xff));
    }
  }
  // Left-over bits that are set would make two texts stand for the same bytes.
  return (group & ((1u << bits) - 1)) == 0;
}

}  // namespace trestle::codec
