// trestle bench: that it measures what it says. How fast anything is, is no test.
#include "tool_process.hpp"

#include <trestle/trestle.hpp>

#include <boost/describe/class.hpp>

#include <gmock/gmock.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

namespace trestle::tools {
namespace {

/// What programs may rely on in the JSON of `trestle bench`.
struct Measured {
  std::string endpoint;
  std::string mode;
  std::string payload;
  std::uint64_t size = 0;
  std::uint64_t clients = 0;
  std::uint64_t outstanding = 0;
  double seconds = 0;
  std::uint64_t messages = 0;
  std::uint64_t errors = 0;
  double p50_us = 0;
  double p99_us = 0;
  double mean_us = 0;
  double per_second = 0;
  double bytes_per_second = 0;
};
BOOST_DESCRIBE_STRUCT(Measured, (),
                      (endpoint, mode, payload, size, clients, outstanding, seconds, messages,
                       errors, p50_us, p99_us, mean_us, per_second, bytes_per_second))

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

template <class T>
T read_json(const std::string& text) {
  auto value = decode<T>(Codec::json, as_bytes(text));
  if (value.has_error()) ADD_FAILURE() << value.error().text << " in: " << text;
  return value.has_value() ? *value : T{};
}

void expect_sound(const Measured& measured) {
  EXPECT_GT(measured.messages, 0u);
  EXPECT_EQ(measured.errors, 0u);
  EXPECT_GT(measured.p50_us, 0);
  EXPECT_GE(measured.p99_us, measured.p50_us);
  EXPECT_GT(measured.mean_us, 0);
  const double expected = static_cast<double>(measured.messages) / measured.seconds;
  EXPECT_NEAR(measured.per_second, expected, expected / 1000);
  EXPECT_NEAR(measured.bytes_per_second, expected * static_cast<double>(measured.size),
              expected * static_cast<double>(measured.size) / 1000);
}

class BenchMode : public testing::TestWithParam<std::string> {};

TEST_P(BenchMode, PrintsOneJsonObjectAndNothingElse) {
  ServedTool served;

  const auto ended = run_tool({"bench", served.tcp(), "--mode", GetParam(), "--size", "100",
                               "--seconds", "0.05", "--spin", "off", "--json"});

  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.err, "");  // nor a progress bar: this is no terminal
  const auto measured = read_json<Measured>(ended.out);
  EXPECT_EQ(measured.mode, GetParam());
  EXPECT_EQ(measured.endpoint, served.tcp());
  EXPECT_EQ(measured.size, 100u);
  EXPECT_GE(measured.seconds, 0.05);
  expect_sound(measured);
}

INSTANTIATE_TEST_SUITE_P(Modes, BenchMode, testing::Values("rtt", "oneway", "pipe"),
                         [](const auto& instance) { return instance.param; });

TEST(Bench, LoadsWithSeveralClientsAtOnce) {
  ServedTool served;

  const auto ended = run_tool({"bench", served.unix_socket(), "--mode", "pipe", "--clients", "3",
                               "--outstanding", "5", "--seconds", "0.05", "--json"});

  const auto measured = read_json<Measured>(ended.out);
  EXPECT_EQ(measured.clients, 3u);
  EXPECT_EQ(measured.outstanding, 5u);
  expect_sound(measured);
}

TEST(Bench, CarriesLargePayloads) {
  ServedTool served;

  const auto ended = run_tool({"bench", served.tcp(), "--mode", "oneway", "--size", "1048576",
                               "--seconds", "0.05", "--json"});

  expect_sound(read_json<Measured>(ended.out));
}

TEST(Bench, LendsPayloadsIfAsked) {
  ServedTool served;

  for (const char* mode : {"oneway", "rtt", "pipe"}) {
    const auto ended = run_tool({"bench", served.tcp(), "--mode", mode, "--size", "100000",
                                 "--payload", "lent", "--seconds", "0.05", "--json"});

    const auto measured = read_json<Measured>(ended.out);
    expect_sound(measured);
    EXPECT_EQ(measured.payload, "lent");
  }
}

TEST(Bench, PrintsATableForPeople) {
  ServedTool served;

  const auto ended = run_tool({"bench", served.tcp(), "--seconds", "0.05"});

  EXPECT_THAT(ended.out, MatchesRegex("mode .* per second .* p50 .* endpoint\n"
                                      "rtt +64 +1 +1 +[0-9.]+k? .* 0 +tcp://[0-9.:]+\n"));
}

TEST(Bench, MeasuresAllTransportsWithServersOfItsOwn) {
  const auto ended = run_tool({"bench", "--seconds", "0.02", "--json"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  std::vector<std::string> measured;
  for (const Measured& each : read_json<std::vector<Measured>>(ended.out)) {
    expect_sound(each);
    measured.push_back(each.mode + ' ' + each.endpoint.substr(0, each.endpoint.find(':')));
  }
  EXPECT_THAT(measured, ElementsAre("rtt tcp", "oneway tcp", "pipe tcp", "rtt unix", "oneway unix",
                                    "pipe unix", "rtt inproc", "oneway inproc", "pipe inproc"));
}

TEST(Bench, CountsRefusalsAndSaysWhatTheyWere) {
  Node without_handlers;
  const auto uri = without_handlers.listen("tcp://127.0.0.1:0").value();

  const auto ended = run_tool({"bench", uri, "--mode", "pipe", "--seconds", "0.05", "--json"});

  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("handler_not_found"));
  const auto measured = read_json<Measured>(ended.out);
  EXPECT_EQ(measured.messages, 0u);
  EXPECT_GE(measured.errors, 64u);
}

class BenchLoss : public testing::TestWithParam<std::string> {};

TEST_P(BenchLoss, EndsTheRun) {
  Node node;
  std::promise<InstanceId> caller;
  // Calls stay without an answer, so that the loss finds all of them under way: one that comes
  // later would dial again.
  const std::size_t under_way = GetParam() == "pipe" ? 8 : 1;
  std::vector<Reply<Payload>> unanswered;
  const auto echo = [&](const Context& context, BytesView, Reply<Payload> reply) {
    unanswered.push_back(std::move(reply));
    if (unanswered.size() == under_way) caller.set_value(context.sender);
  };
  ASSERT_TRUE(node.add(unary("echo", echo, {.execution = Execution::inline_})).has_value());
  ToolProcess bench({"bench", node.listen("tcp://127.0.0.1:0").value(), "--mode", GetParam(),
                     "--outstanding", "8", "--seconds", "3600", "--json"});

  node.peer(caller.get_future().get()).disconnect();
  const auto ended = bench.wait();

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, HasSubstr("connection_lost"));
  EXPECT_EQ(read_json<Measured>(ended.out).errors, under_way);
}

INSTANTIATE_TEST_SUITE_P(Modes, BenchLoss, testing::Values("rtt", "pipe"),
                         [](const auto& instance) { return instance.param; });

TEST(Bench, ExitsWithThreeWhenNobodyListens) {
  const auto ended = run_tool({"bench", "tcp://127.0.0.1:1"});

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, HasSubstr("[connect_refused]"));
}

}  // namespace
}  // namespace trestle::tools
