// The twelve bytes of control messages, as the README gives them.
#include <gmock/gmock.h>

#include <cstring>
#include <string>

#include "../src/control_message.hpp"

namespace trestle::zeromq {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(ControlMessage, HasTheLayoutThatTheReadmeGives) {
  const ControlFrame frame = encode({Control::hello, 0x0102});

  EXPECT_EQ(std::memcmp(frame.data(), "TZ1H\x02\x01\0\0\0\0\0\0", control_bytes), 0);
}

TEST(ControlMessage, ReadsWhatItWrote) {
  const auto read = decode_control(encode({Control::too_big, ~0ull - 1}));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, Control::too_big);
  EXPECT_EQ(read->number, ~0ull - 1);
}

TEST(ControlMessage, TakesUnknownKindsAndLongerFramesForLaterVersions) {
  const std::string later = std::string("TZ1?") + std::string(8, '\0') + "more";

  const auto read = decode_control(bytes_of(later));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, Control::noop);
}

TEST(ControlMessage, RefusesShortFramesAndOtherMagic) {
  EXPECT_FALSE(decode_control(bytes_of("TZ1H")).has_value());
  EXPECT_FALSE(decode_control(bytes_of("TZ2H12345678")).has_value());
  EXPECT_FALSE(decode_control({}).has_value());
}

}  // namespace
}  // namespace trestle::zeromq
