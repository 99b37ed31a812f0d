// Headers as a value, and their limits.
#include <gtest/gtest.h>
#include <trestle/headers.hpp>

#include <string>

namespace trestle {
namespace {

std::string fault(const Headers& headers) {
  const auto checked = headers.check();
  if (checked.has_value()) return "none";
  EXPECT_TRUE(checked.error().is(Errc::invalid_argument));
  return checked.error().text;
}

Headers many(std::size_t count) {
  Headers headers;
  for (std::size_t i = 0; i < count; ++i) headers.set("h" + std::to_string(i), "");
  return headers;
}

/// As many bytes as are allowed, and `more`.
Headers full(std::size_t more) {
  Headers headers;
  for (char name = 'a'; name < 'a' + 16; ++name) {
    const std::size_t extra = name == 'p' ? more : 0;
    headers.set(std::string(1, name), std::string(1024 - 5 - 1 + extra, 'v'));
  }
  return headers;
}

TEST(Headers, KeepTheOrderInWhichTheyWereSet) {
  Headers headers{{"b", "1"}, {"a", "2"}};
  headers.set("c", "3").set("b", "4");

  std::string all;
  for (const auto& [name, value] : headers) all += name + value;

  EXPECT_EQ(all, "b4a2c3");
  EXPECT_EQ(headers.size(), 3u);
}

TEST(Headers, AreFoundByName) {
  const Headers headers{{"name", "value"}};

  EXPECT_EQ(headers.get("name"), "value");
  EXPECT_FALSE(headers.get("Name"));
  EXPECT_FALSE(Headers().get("name"));
}

TEST(Headers, AreErasedByName) {
  Headers headers{{"a", "1"}, {"b", "2"}};

  EXPECT_TRUE(headers.erase("a"));
  EXPECT_FALSE(headers.erase("a"));
  EXPECT_FALSE(Headers().erase("a"));

  EXPECT_EQ(headers, (Headers{{"b", "2"}}));
  EXPECT_TRUE(headers.erase("b"));
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers, Headers());
}

TEST(Headers, CopyTheirTexts) {
  Headers original{{"a", "1"}};
  Headers copy = original;
  copy.set("a", "2");
  Headers assigned;
  assigned = original;
  original = Headers();

  EXPECT_EQ(assigned.get("a"), "1");
  EXPECT_EQ(copy.get("a"), "2");
  EXPECT_TRUE(original.empty());
}

TEST(Headers, AreFineExactlyUpToTheirLimits) {
  EXPECT_EQ(fault({}), "none");
  EXPECT_EQ(fault({{std::string(255, 'n'), std::string(1024, 'v')}}), "none");
  EXPECT_EQ(fault(many(128)), "none");
  EXPECT_EQ(fault(full(0)), "none");
  EXPECT_EQ(full(0).encoded_bytes(), Headers::bytes_max);
}

TEST(Headers, NameTheLimitThatTheyExceed) {
  EXPECT_EQ(fault({{"", "value"}}), "a header has no name");
  EXPECT_EQ(fault({{std::string(256, 'n'), ""}}),
            "the name of header '" + std::string(32, 'n') + "…' has 256 bytes, the limit is 255");
  EXPECT_EQ(fault({{"n", std::string(1025, 'v')}}),
            "the value of header 'n' has 1025 bytes, the limit is 1024");
  EXPECT_EQ(fault(many(129)), "a message has 129 headers, the limit is 128");
  EXPECT_EQ(fault(full(1)), "the headers of a message have 16385 bytes, the limit is 16384");
}

}  // namespace
}  // namespace trestle
