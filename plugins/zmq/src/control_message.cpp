// Control messages as bytes.
#include "control_message.hpp"

#include <algorithm>

namespace trestle::zeromq {
namespace {

constexpr std::array<std::byte, 3> magic{std::byte{'T'}, std::byte{'Z'}, std::byte{'1'}};
constexpr std::size_t kind_at = magic.size();
constexpr std::size_t number_at = kind_at + 1;

bool is_known(Control kind) noexcept {
  switch (kind) {
    case Control::hello:
    case Control::welcome:
    case Control::bye:
    case Control::abort:
    case Control::too_big:
    case Control::noop:
      return true;
  }
  return false;
}

}  // namespace

ControlFrame encode(const ControlMessage& message) noexcept {
  ControlFrame frame;
  std::copy(magic.begin(), magic.end(), frame.begin());
  frame[kind_at] = static_cast<std::byte>(message.kind);
  for (std::size_t i = 0; i < sizeof(message.number); ++i) {
    frame[number_at + i] = static_cast<std::byte>(message.number >> (8 * i));
  }
  return frame;
}

std::optional<ControlMessage> decode_control(std::span<const std::byte> frame) noexcept {
  if (frame.size() < control_bytes) return std::nullopt;
  if (!std::equal(magic.begin(), magic.end(), frame.begin())) return std::nullopt;
  ControlMessage message;
  message.kind = static_cast<Control>(frame[kind_at]);
  if (!is_known(message.kind)) message.kind = Control::noop;
  for (std::size_t i = 0; i < sizeof(message.number); ++i) {
    message.number |= static_cast<std::uint64_t>(frame[number_at + i]) << (8 * i);
  }
  return message;
}

}  // namespace trestle::zeromq
