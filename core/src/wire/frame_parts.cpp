// Extension blocks, and the rule of what may be skipped.
#include "wire/frame_parts.hpp"

namespace trestle::wire {
namespace {

std::string hex(unsigned value, std::size_t digits) {
  constexpr std::string_view digit = "0123456789abcdef";
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4) text[i] = digit[value & 0xF];
  return "0x" + text;
}

}  // namespace

Error frame_error(const FrameParts& parts, const std::string& what) {
  return {Errc::protocol_error, std::string(to_string(FrameKind{parts.kind})) + " frame at byte " +
                                    std::to_string(parts.offset) + ": " + what};
}

Result<Extension> ExtensionReader::next() {
  if (rest_.size() < extension_prefix_bytes) {
    return frame_error(parts_, std::to_string(rest_.size()) +
                                   " bytes end the header, an extension block takes at least " +
                                   std::to_string(extension_prefix_bytes));
  }
  const auto type = rest_.get<std::uint16_t>();
  const auto length = rest_.get<std::uint16_t>();
  if (length > rest_.size()) {
    return frame_error(parts_, "extension block " + hex(type, 4) + " announces " +
                                   std::to_string(length) + " bytes, the header has " +
                                   std::to_string(rest_.size()) + " left");
  }
  return Extension{type, rest_.take(length)};
}

std::string unmet_flags(const FrameParts& parts) {
  const unsigned unknown = parts.flags & must_understand_flags;
  if (unknown == 0) return {};
  return "flags " + hex(unknown, 2) + " must be understood and are unknown";
}

std::string unmet(const Extension& extension) {
  if (!extension.must_be_understood()) return {};
  return "extension block " + hex(extension.type, 4) + " must be understood and is unknown";
}

}  // namespace trestle::wire
