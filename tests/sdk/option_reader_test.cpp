// Reading options into variables.
#include <trestle/transport_kit/option_reader.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using trestle::transport_kit::OptionReader;

struct Settings {
  std::chrono::nanoseconds timeout = 1s;
  std::uint64_t buffer = 0;
  bool eager = true;
  std::string interface;
  std::size_t family = 0;

  OptionReader reader() {
    OptionReader reader;
    reader.duration("timeout", timeout).bytes("buffer", buffer).on_off("eager", eager);
    reader.text("interface", interface).choice("family", {"any", "4", "6"}, family);
    return reader;
  }
};

TEST(OptionReader, SetsWhatIsGivenAndLeavesTheRest) {
  Settings settings;

  const auto done = settings.reader().apply(
      {{"buffer", "64KiB"}, {"eager", "off"}, {"family", "6"}, {"interface", "eth0"}});

  ASSERT_TRUE(done.has_value()) << done.error().text;
  EXPECT_EQ(settings.timeout, 1s);
  EXPECT_EQ(settings.buffer, 65536u);
  EXPECT_FALSE(settings.eager);
  EXPECT_EQ(settings.interface, "eth0");
  EXPECT_EQ(settings.family, 2u);
}

TEST(OptionReader, ReadsTheSameKeysFromTheTransportsDefaults) {
  Settings settings;
  const std::array<tt_kv, 2> defaults = {tt_kv{"timeout", "5ms"}, tt_kv{"family", "4"}};

  const auto done = settings.reader().apply(defaults);

  ASSERT_TRUE(done.has_value()) << done.error().text;
  EXPECT_EQ(settings.timeout, 5ms);
  EXPECT_EQ(settings.family, 1u);
}

TEST(OptionReader, NamesAnUnknownKeyAndListsTheKnownOnes) {
  Settings settings;

  const auto done = settings.reader().apply({{"timeuot", "5ms"}});

  ASSERT_TRUE(done.has_error());
  EXPECT_EQ(done.error().code, TT_E_ADDR);
  EXPECT_EQ(done.error().text,
            "unknown option \"timeuot\"; known are buffer, eager, family, interface, timeout");
}

TEST(OptionReader, NamesTheKeyOfABadValue) {
  Settings settings;
  const std::pair<const char*, const char*> cases[] = {
      {"timeout", "5"}, {"buffer", "64"}, {"eager", "yes"}, {"family", "5"}};
  for (const auto& [key, value] : cases) {
    const auto done = settings.reader().apply({{key, value}});
    ASSERT_TRUE(done.has_error()) << key;
    EXPECT_EQ(done.error().code, TT_E_ADDR);
    EXPECT_THAT(done.error().text, HasSubstr("option " + std::string(key) + ": \"" + value + "\""));
  }
}

TEST(OptionReader, TakesWholeNumbersWithinTheirBounds) {
  std::int64_t count = 0;
  OptionReader reader;
  reader.number("count", -1, 10, count);

  ASSERT_TRUE(reader.apply({{"count", "-1"}}).has_value());
  EXPECT_EQ(count, -1);
  for (const char* bad : {"11", "-2", "5x", "", "1.5", "99999999999999999999"}) {
    const auto done = reader.apply({{"count", bad}});
    ASSERT_TRUE(done.has_error()) << bad;
    EXPECT_THAT(done.error().text, HasSubstr("option count: \"" + std::string(bad) +
                                             "\": expected a whole number, -1 to 10"));
  }
}

}  // namespace
