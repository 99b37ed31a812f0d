// trestle ping: round trips, and a peer that is not there.
#include "tool_process.hpp"

#include <gmock/gmock.h>

#include <csignal>

namespace trestle::tools {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Ping, PrintsEachRoundTripAndASummary) {
  ServedTool served;

  const auto ended = run_tool({"ping", served.tcp(), "--count", "3", "--interval", "1ms"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, MatchesRegex("connected to node [-0-9a-f]+\n"
                                      "ping 1  [0-9.]+ [a-z]+\n"
                                      "ping 2  [0-9.]+ [a-z]+\n"
                                      "ping 3  [0-9.]+ [a-z]+\n"
                                      "round trips 3, min [0-9.]+ [a-z]+, median [0-9.]+ [a-z]+, "
                                      "max [0-9.]+ [a-z]+\n"));
}

TEST(Ping, PrintsOneJsonObject) {
  ServedTool served;

  const auto ended = run_tool({"ping", served.unix_socket(), "--count", "2", "--json"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, MatchesRegex("\\{\"instance\":\"[-0-9a-f]+\",\"round_trips\":"
                                      "\\[[0-9]+,[0-9]+\\],\"min\":[0-9]+,\"median\":[0-9]+,"
                                      "\"max\":[0-9]+\\}\n"));
}

TEST(Ping, ExitsWithThreeWhenNobodyListens) {
  ServedTool served;
  served.process().send_signal(SIGKILL);
  served.process().wait();

  const auto ended = run_tool({"ping", served.tcp()});

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, HasSubstr("[connect_refused]"));
}

}  // namespace
}  // namespace trestle::tools
