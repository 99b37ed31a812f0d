// Endpoint URIs and option values: what is accepted, what is refused and how the refusal reads.
#include <trestle/sdk/uri.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using trestle::sdk::HostPort;
using trestle::sdk::parse_bytes;
using trestle::sdk::parse_duration;
using trestle::sdk::parse_switch;
using trestle::sdk::Uri;

TEST(Uri, SplitsSchemeAddressAndOptions) {
  const auto uri = Uri::parse("ofi+tcp://host:1?a=1&b=x=y");

  ASSERT_TRUE(uri.has_value()) << uri.error().text;
  EXPECT_EQ(uri->scheme, "ofi+tcp");
  EXPECT_EQ(uri->address, "host:1");
  EXPECT_EQ(uri->options, (std::map<std::string, std::string>{{"a", "1"}, {"b", "x=y"}}));
}

TEST(Uri, DecodesPercentEscapesInAddressAndOptions) {
  const auto uri = Uri::parse("unix:///tmp/a%20b%3f?na%6De=%26%25");

  ASSERT_TRUE(uri.has_value()) << uri.error().text;
  EXPECT_EQ(uri->address, "/tmp/a b?");
  EXPECT_EQ(uri->options.at("name"), "&%");
}

TEST(Uri, KeepsAnAddressThatIsEmptyOrAWildcard) {
  EXPECT_EQ(Uri::parse("inproc://").value().address, "");
  EXPECT_EQ(Uri::parse("tcp://*:0").value().address, "*:0");
}

TEST(Uri, PrintsWhatParsesBackToTheSame) {
  const Uri uri{.scheme = "unix",
                .address = "/tmp/50% of\n#?&=\xc3\xa4",
                .options = {{"k=&", "v=&?#%"}, {"plain", "64KiB"}}};

  const auto back = Uri::parse(uri.str());

  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_EQ(*back, uri);
}

TEST(Uri, PrintsOrdinaryUrisUnchanged) {
  for (const char* text : {"tcp://[::1]:80?nodelay=off", "unix:///run/x.sock", "unix://@name",
                           "tcp://*:0", "inproc://a-b_c.d~e"}) {
    EXPECT_EQ(Uri::parse(text).value().str(), text);
  }
}

struct Refusal {
  std::string_view text;
  const char* reason;
};

TEST(Uri, RefusesMalformedTextNamingWhatIsWrong) {
  const Refusal refusals[] = {
      {"", "expected scheme://"},
      {"tcp:/host:1", "expected scheme://"},
      {"://host:1", "a scheme is"},
      {"TCP://host:1", "a scheme is"},
      {"1tcp://host:1", "a scheme is"},
      {"t cp://host:1", "a scheme is"},
      {"tcp://host%2", "two hexadecimal digits"},
      {"tcp://host%zz", "two hexadecimal digits"},
      {"tcp://host%00", "NUL"},
      {std::string_view("tcp://ho\0st", 11), "NUL"},
      {"tcp://host:1?", "must be key=value"},
      {"tcp://host:1?a", "option \"a\" must be key=value"},
      {"tcp://host:1?=a", "must be key=value"},
      {"tcp://host:1?a=1&&b=2", "must be key=value"},
      {"tcp://host:1?a=1&", "must be key=value"},
      {"tcp://host:1?a=1&a=2", "option \"a\" is given twice"},
  };
  for (const auto& [text, reason] : refusals) {
    const auto uri = Uri::parse(text);
    ASSERT_TRUE(uri.has_error()) << text;
    EXPECT_EQ(uri.error().code, TT_E_ADDR) << text;
    EXPECT_THAT(uri.error().text, HasSubstr(reason)) << text;
  }
}

TEST(Uri, CutsALongTextInItsRefusal) {
  const auto uri = Uri::parse(std::string(10'000, 'x'));

  ASSERT_TRUE(uri.has_error());
  EXPECT_LT(uri.error().text.size(), 240u);
  EXPECT_THAT(uri.error().text, HasSubstr("expected scheme://"));
}

TEST(HostPort, SplitsNamesV4V6AndWildcards) {
  const std::tuple<const char*, const char*, int> cases[] = {{"localhost:80", "localhost", 80},
                                                             {"127.0.0.1:0", "127.0.0.1", 0},
                                                             {"[::1]:65535", "::1", 65535},
                                                             {"*:0", "*", 0}};
  for (const auto& [text, host, port] : cases) {
    const auto parsed = HostPort::parse(text);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().text;
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, port);
  }
}

TEST(HostPort, RefusesWhatIsNotHostAndPort) {
  const Refusal refusals[] = {
      {"", "no host"},
      {":80", "no host"},
      {"[]:80", "no host"},
      {"host", "no port"},
      {"host:", "no port"},
      {"[::1]", "no port"},
      {"[::1", "without"},
      {"[::1]80", "after \"]\""},
      {"::1:80", "brackets"},
      {"host:99999999", "above 65535"},
      {"h:65536", "above"},
      {"h:99999999999999999999", "above 65535"},
      {"h:http", "not a number"},
      {"h:8 0", "not a number"},
      {"h:-1", "not a number"},
      {"h:+1", "not a number"},
  };
  for (const auto& [text, reason] : refusals) {
    const auto parsed = HostPort::parse(text);
    ASSERT_TRUE(parsed.has_error()) << text;
    EXPECT_EQ(parsed.error().code, TT_E_ADDR) << text;
    EXPECT_THAT(parsed.error().text, HasSubstr(reason)) << text;
  }
}

TEST(OptionValues, DurationsCarryAUnit) {
  EXPECT_EQ(parse_duration("5ms").value(), 5ms);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
  EXPECT_EQ(parse_duration("250us").value(), 250us);
  EXPECT_EQ(parse_duration("9223372036854775807ns").value(), std::chrono::nanoseconds::max());
  for (const char* text : {"", "5", "ms", "-5ms", "5 ms", "1.5s", "5m", "5msx"}) {
    ASSERT_TRUE(parse_duration(text).has_error()) << text;
    EXPECT_THAT(parse_duration(text).error().text, HasSubstr("ns, us, ms or s")) << text;
  }
  EXPECT_THAT(parse_duration("9223372037s").error().text, HasSubstr("too large"));
  EXPECT_THAT(parse_duration("99999999999999999999s").error().text, HasSubstr("too large"));
}

TEST(OptionValues, SizesCarryAUnit) {
  EXPECT_EQ(parse_bytes("0B").value(), 0u);
  EXPECT_EQ(parse_bytes("64KiB").value(), 65536u);
  EXPECT_EQ(parse_bytes("2MiB").value(), 2u << 20);
  EXPECT_EQ(parse_bytes("1GiB").value(), 1u << 30);
  for (const char* text : {"", "64", "KiB", "64kib", "64KB", "-1B"}) {
    ASSERT_TRUE(parse_bytes(text).has_error()) << text;
    EXPECT_THAT(parse_bytes(text).error().text, HasSubstr("B, KiB, MiB or GiB")) << text;
  }
  EXPECT_THAT(parse_bytes("99999999999GiB").error().text, HasSubstr("too large"));
}

TEST(OptionValues, SwitchesAreOnOrOff) {
  EXPECT_TRUE(parse_switch("on").value());
  EXPECT_FALSE(parse_switch("off").value());
  EXPECT_THAT(parse_switch("yes").error().text, HasSubstr("\"yes\": expected on or off"));
}

}  // namespace
