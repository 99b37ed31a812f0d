// trestle serve: what it prints, what its handlers do, and how it ends.
#include "tool_process.hpp"

#include <trestle/trestle.hpp>

#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <future>
#include <vector>

namespace trestle::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using SteadyClock = std::chrono::steady_clock;

/// A call of `sleep` on a thread of its own.
std::future<Result<std::uint32_t>> start_sleep(const Peer& peer, std::uint32_t milliseconds) {
  return std::async(std::launch::async,
                    [=] { return peer.call<std::uint32_t>("sleep", milliseconds); });
}

/// Returns once the server has `calls` of ours under way: a ping follows them on their connection.
void wait_until_under_way(const Node& node, const Peer& peer, std::uint64_t calls) {
  const auto watchdog = SteadyClock::now() + std::chrono::seconds(20);
  bool sent = false;
  while (!sent && SteadyClock::now() < watchdog) {
    sent = node.counters().calls_pending >= calls;
    ASSERT_TRUE(peer.ping().has_value());
  }
  ASSERT_TRUE(sent);
}

TEST(Serve, PrintsOneJsonObjectPerListener) {
  ToolProcess server({"serve", "--listen", "tcp://127.0.0.1:0", "--listen", "unix://*", "--json"});

  EXPECT_THAT(server.read_line(),
              MatchesRegex(R"(\{"listening":"tcp://127\.0\.0\.1:[1-9][0-9]*"\})"));
  EXPECT_THAT(server.read_line(), MatchesRegex(R"(\{"listening":"unix://.+"\})"));
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait().exit_code, 0);
}

TEST(Serve, ExitsWithZeroOnEitherSignal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    ServedTool served;

    served.process().send_signal(signal);
    const auto ended = served.process().wait();

    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.err, "");
  }
}

TEST(Serve, LetsCallsUnderWayEndBeforeItDoes) {
  ServedTool served;
  Node node;
  const Peer peer = node.connect(served.tcp()).value();
  auto sleeping = start_sleep(peer, 500);
  wait_until_under_way(node, peer, 1);

  served.process().send_signal(SIGTERM);
  const auto reply = sleeping.get();
  const auto ended = served.process().wait();

  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  EXPECT_EQ(*reply, 500u);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST(Serve, EndsAtTheDrainTimeoutAndSaysWhatWasStillBusy) {
  ServedTool served({"--drain-timeout", "200ms"});
  Node node;
  const Peer peer = node.connect(served.tcp()).value();
  auto sleeping = start_sleep(peer, 60'000);
  wait_until_under_way(node, peer, 1);

  served.process().send_signal(SIGTERM);
  const auto ended = served.process().wait();

  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(ended.err, HasSubstr("1 handlers"));
  EXPECT_TRUE(sleeping.get().has_error());
}

TEST(Serve, EndsAtOnceOnASecondSignal) {
  ServedTool served;
  Node node;
  const Peer peer = node.connect(served.tcp()).value();
  auto sleeping = start_sleep(peer, 60'000);
  wait_until_under_way(node, peer, 1);

  served.process().send_signal(SIGTERM);
  while (!peer.confirm("echo").error().is(Errc::draining)) {
  }
  served.process().send_signal(SIGTERM);
  const auto ended = served.process().wait();

  EXPECT_EQ(ended.exit_code, 128 + SIGTERM);
  EXPECT_TRUE(sleeping.get().error().is(Errc::connection_lost));
}

TEST(Serve, SleepsManyTimesAtOnceWithOneWorker) {
  constexpr std::uint32_t milliseconds = 300;
  ServedTool served({"--workers", "1"});
  Node node;
  const Peer peer = node.connect(served.unix_socket()).value();
  const auto start = SteadyClock::now();

  std::vector<std::future<Result<std::uint32_t>>> sleeping;
  for (int i = 0; i < 20; ++i) sleeping.push_back(start_sleep(peer, milliseconds));
  for (auto& each : sleeping) EXPECT_TRUE(each.get().has_value());

  const auto took = SteadyClock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(milliseconds));
  EXPECT_LT(took, std::chrono::milliseconds(20 * milliseconds));
}

TEST(Serve, ExitsWithThreeWhenTheAddressIsInUse) {
  ServedTool served;

  const auto ended = run_tool({"serve", "--listen", served.tcp()});

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr(served.tcp()), HasSubstr("[address_in_use]")));
}

TEST(Serve, RemovesItsSocketFile) {
  ServedTool served;

  served.process().send_signal(SIGTERM);
  served.process().wait();
  const auto ended = run_tool({"call", served.unix_socket(), "echo"});

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, HasSubstr(served.unix_socket()));
}

}  // namespace
}  // namespace trestle::tools
