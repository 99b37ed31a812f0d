// Texts of encode and decode failures.
#include <trestle/detail/codec_failure.hpp>

namespace trestle::detail {
namespace {

constexpr std::size_t shown_bytes_max = 64;

/// Fit for a log line: no control characters, no unbounded length.
std::string shown(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const char c : text.substr(0, shown_bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += "\\x";
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  if (text.size() > shown_bytes_max) result += "...";
  return result;
}

}  // namespace

bool CodecFailure::because(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

bool CodecFailure::in_member(std::string_view name) {
  prepend(shown(name));
  return false;
}

bool CodecFailure::in_element(std::size_t index) {
  prepend('[' + std::to_string(index) + ']');
  return false;
}

void CodecFailure::prepend(std::string segment) {
  if (!path_.empty() && path_.front() != '[') segment += '.';
  path_.insert(0, segment);
}

std::string CodecFailure::text() const {
  if (path_.empty()) return reason_;
  return (path_.front() == '[' ? "element '" : "member '") + path_ + "': " + reason_;
}

std::string quoted(std::string_view text) {
  return '\'' + shown(text) + '\'';
}

}  // namespace trestle::detail
