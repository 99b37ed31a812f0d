// docs/limits.md says what the code does: the names of all limits, and their defaults.
#include <gtest/gtest.h>
#include <trestle/headers.hpp>
#include <trestle/node.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "node/option_ranges.hpp"
#include "peers/handler_names.hpp"
#include "wire/packet.hpp"

namespace trestle {
namespace {

using Limits = std::map<std::string, std::string>;

std::string text_of(std::size_t value) {
  if (value >= (1u << 20) && value % (1u << 20) == 0) return std::to_string(value >> 20) + " MiB";
  // Numbers of things are no sizes, however round.
  if (value == (64u << 10)) return "64 KiB";
  return std::to_string(value);
}
std::string text_of(std::chrono::nanoseconds time) {
  if (time == added_time_max) return "1 year";
  if (time.count() != 0 && time.count() < 1'000'000) return std::to_string(time.count()) + " ns";
  return std::to_string(time.count() / 1'000'000) + " ms";
}

template <class Range>
std::string text_of_range(const Range& range) {
  if (range.max == Range::no_max) return "from " + text_of(range.min);
  return text_of(range.min) + " to " + text_of(range.max);
}

Limits limits_of_the_code() {
  const NodeOptions options;
  Limits limits;
#define LIMIT(name) limits[#name] = text_of(options.name)
  LIMIT(unauthenticated_peers_max);
  LIMIT(handshake_timeout);
  LIMIT(message_bytes_max);
  LIMIT(requests_max);
  LIMIT(calls_max);
  LIMIT(queue_bytes_max);
  LIMIT(unsent_bytes_max);
  LIMIT(turn_frames_max);
  LIMIT(turn_bytes_max);
  LIMIT(input_bytes_max);
  LIMIT(spawn_queue_bytes);
  LIMIT(send_ahead_bytes);
  LIMIT(send_delay_bytes);
  LIMIT(close_timeout);
  LIMIT(call_timeout);
  LIMIT(log_interval);
  LIMIT(dead_after);
  LIMIT(reconnect_window);
  LIMIT(redial_delay_min);
  LIMIT(redial_delay_max);
  LIMIT(takeover_timeout);
  LIMIT(newcomer_bytes_max);
  LIMIT(concurrency_max);
#undef LIMIT
  limits["spawn_queue_messages"] = std::to_string(options.spawn_queue_messages);
  const auto add_range = [&](const auto& range) {
    const auto known = limits.find(std::string(range.name));
    if (known != limits.end()) known->second += " | " + text_of_range(range);
  };
  for (const CountRange& range : count_ranges()) add_range(range);
  for (const TimeRange& range : time_ranges()) add_range(range);
  limits["hello_frame_bytes_max"] = text_of(wire::hello_frame_bytes_max);
  limits["first_packet_bytes_max"] = text_of(wire::first_packet_bytes_max);
  limits["handler_name_bytes_max"] = text_of(wire::handler_name_bytes_max);
  limits["handler_numbers_max"] = text_of(peers::handler_numbers_max);
  limits["type_name_bytes_max"] = text_of(wire::type_name_bytes_max);
  limits["text_bytes_max"] = text_of(wire::text_bytes_max);
  limits["hello_endpoints_max"] = text_of(wire::hello_endpoints_max);
  limits["endpoint_bytes_max"] = text_of(wire::endpoint_bytes_max);
  limits["authentication_bytes_max"] = text_of(wire::authentication_bytes_max);
  limits["Headers::count_max"] = text_of(Headers::count_max);
  return limits;
}

/// The name, and the value: of an option with its range. A row of an option has two columns more.
const std::regex row(
    R"(\n\| `([A-Za-z_:]+)` \| ([^|\n]+(?: \| [^|\n]+(?= \| [^|\n]+ \|[^|\n]*\|\n))?) \|)");

std::string contents_of(const char* file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

Limits limits_of_the_document() {
  const std::string text = contents_of(TRESTLE_LIMITS_MD);
  Limits limits;
  for (std::sregex_iterator found(text.begin(), text.end(), row), end; found != end; ++found) {
    limits[(*found)[1]] = (*found)[2];
  }
  return limits;
}

/// The document with the code's values in its tables.
std::string rewritten(const std::string& text, const Limits& limits) {
  std::string result;
  auto copied = text.begin();
  for (std::sregex_iterator found(text.begin(), text.end(), row), end; found != end; ++found) {
    const auto known = limits.find((*found)[1]);
    if (known == limits.end()) continue;
    result.append(copied, text.begin() + found->position(2)).append(known->second);
    copied = text.begin() + found->position(2) + found->length(2);
  }
  return result.append(copied, text.end());
}

TEST(LimitsDocument, HasTheValuesOfTheCode) {
  const std::string text = contents_of(TRESTLE_LIMITS_MD);
  const std::string right = rewritten(text, limits_of_the_code());
  if (std::getenv("TRESTLE_WRITE_DOCUMENTS") != nullptr && text != right) {
    std::ofstream(TRESTLE_LIMITS_MD) << right;
    GTEST_SKIP() << "written: look at it and run this again";
  }

  EXPECT_EQ(text, right) << "run this with TRESTLE_WRITE_DOCUMENTS=1";
}

TEST(LimitsDocument, NamesEachLimitWithItsDefault) {
  EXPECT_EQ(limits_of_the_document(), limits_of_the_code());
}

bool has_range(std::string_view name) {
  const auto is_it = [&](const auto& range) { return range.name == name; };
  return std::ranges::any_of(count_ranges(), is_it) || std::ranges::any_of(time_ranges(), is_it);
}

TEST(LimitsDocument, KnowsAllOptionsThatAreLimits) {
  const std::regex option(R"(\n  std::(?:size_t|chrono::nanoseconds) (\w+) =)");
  const std::string header = contents_of(TRESTLE_NODE_HPP);
  const auto limits = limits_of_the_code();
  int known = 0;
  for (std::sregex_iterator found(header.begin(), header.end(), option), end; found != end;
       ++found) {
    const std::string name = (*found)[1];
    if (name == "payload_bytes") continue;  // of another struct
    EXPECT_TRUE(has_range(name)) << name;
    if (name == "workers" || name == "send_delay_max") continue;
    EXPECT_TRUE(limits.contains(name)) << name;
    ++known;
  }
  EXPECT_GE(known, 16) << "the pattern finds no options any more";
}

}  // namespace
}  // namespace trestle
