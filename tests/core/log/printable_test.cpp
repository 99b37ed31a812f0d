// Text that a peer chose, made safe for a terminal.
#include "log/logger.hpp"

#include <gtest/gtest.h>

namespace trestle::log {
namespace {

TEST(Printable, LeavesPlainTextAlone) {
  EXPECT_EQ(printable("größer than 3 €"), "größer than 3 €");
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31m\n\x7f"), "a\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(printable(std::string_view("\0b", 2)), "\\x00b");
}

TEST(Printable, EscapesTheControlCharactersBeyondAscii) {
  EXPECT_EQ(printable("a\xC2\x9B"
                      "31m"),
            "a\\x9b31m");
}

TEST(Printable, SaysThatItCutAText) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
}

}  // namespace
}  // namespace trestle::log
