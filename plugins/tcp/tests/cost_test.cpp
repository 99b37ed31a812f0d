// What a message and a connection cost: system calls, allocations, memory.
#include <gtest/gtest.h>
#include <trestle/test_support/system_calls.hpp>

#include <string>

#include "driven_transport.hpp"

namespace trestle::tcp::testing {
namespace {

using namespace std::chrono_literals;
using test_support::system_calls;
using test_support::SystemCalls;

class Cost : public ::testing::TestWithParam<const char*> {
 protected:
  static std::string uri() {
    return std::string(GetParam()) == "tcp" ? "tcp://127.0.0.1:0" : "unix://*";
  }
  static Opening opening() {
    Opening made;
    made.scheme = GetParam();
    return made;
  }

  /// One small packet from the client, for which the server sleeps.
  static void exchange(Linked& link) {
    const std::size_t before = link.in->packets.size();
    ASSERT_EQ(link.client.send(*link.out, "a small packet"), TT_OK);
    do {
      link.server.sleep(1000ms);
      link.server.step();
    } while (link.in->packets.size() == before);
  }

  static void warm_up(Linked& link) {
    for (int i = 0; i < 40; ++i) exchange(link);
  }
};

INSTANTIATE_TEST_SUITE_P(Schemes, Cost, ::testing::Values("tcp", "unix"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(Cost, ASmallPacketOfABusyConnectionTakesOneWriteAndOneRead) {
  constexpr int packets = 160;
  Linked link(uri(), opening());
  warm_up(link);
  const SystemCalls before = system_calls();

  for (int i = 0; i < packets; ++i) exchange(link);

  const SystemCalls after = system_calls();
  EXPECT_EQ(after.writes - before.writes, packets);
  EXPECT_EQ(after.reads - before.reads, packets) << "a short read says that nothing is left";
  EXPECT_LE(after.epoll_waits - before.epoll_waits, packets / 10);
  EXPECT_GT(after.epoll_waits - before.epoll_waits, 0) << "others must get their turn";
}

TEST_P(Cost, AHostThatPollsABusyConnectionPaysOneReadATime) {
  constexpr int rounds = 160;
  Linked link(uri(), opening());
  warm_up(link);
  const SystemCalls before = system_calls();

  for (int i = 0; i < rounds; ++i) ASSERT_EQ(link.server.step(), 0);

  const SystemCalls after = system_calls();
  EXPECT_GT(after.reads - before.reads, rounds / 2) << "the meter does not count the plugin";
  EXPECT_LE(after.reads - before.reads, rounds);
  EXPECT_LE(after.epoll_waits - before.epoll_waits, rounds / 10);
}

TEST_P(Cost, ABusyConnectionDoesNotHideTheOthersFromAHostThatPolls) {
  Linked link(uri(), opening());
  Seen* other = link.client.connect(link.uri).value;
  drive(
      {&link.server, &link.client}, [&] { return link.server.accepted.size() == 2; }, "ACCEPTED");
  warm_up(link);
  Seen* late = link.client.connect(link.uri).value;
  ASSERT_EQ(link.client.send(*other, "me too"), TT_OK);

  int rounds = 0;
  while (link.server.accepted.size() < 3 || link.server.accepted[1]->packets.empty()) {
    ASSERT_LT(++rounds, 100) << "starved";
    ASSERT_EQ(link.client.send(*link.out, "busy"), TT_OK);
    link.server.step();
  }
  EXPECT_EQ(late->closed, 0);
}

TEST_P(Cost, ABusyConnectionDoesNotHideTheOthersFromAHostThatSleeps) {
  Linked link(uri(), opening());
  Seen* other = link.client.connect(link.uri).value;
  drive(
      {&link.server, &link.client}, [&] { return link.server.accepted.size() == 2; }, "ACCEPTED");
  warm_up(link);
  ASSERT_EQ(link.client.send(*other, "me too"), TT_OK);

  link.server.sleep(1000ms);

  EXPECT_EQ(link.server.step(), 1) << "what ended the sleep must be found at once";
  EXPECT_EQ(link.server.accepted[1]->packets.size(), 1u);
}

TEST_P(Cost, SmallPacketsAllocateNothing) {
  Linked link(uri(), opening());
  warm_up(link);
  const MemoryUse server = link.server.memory();
  const MemoryUse client = link.client.memory();

  for (int i = 0; i < 100; ++i) exchange(link);

  EXPECT_EQ(link.server.memory().allocations, server.allocations);
  EXPECT_EQ(link.client.memory().allocations, client.allocations);
}

TEST_P(Cost, TrainsOfSmallPacketsAllocateNothing) {
  // More than a batch, so that some of what was read waits for the next one.
  constexpr std::size_t packets = 150;
  Linked link(uri(), opening());
  const auto pass_train = [&] {
    link.in->packets.clear();
    for (std::size_t i = 0; i < packets; ++i) {
      ASSERT_EQ(link.client.send(*link.out, "wagon", TT_SEND_COPY | TT_SEND_MORE), TT_OK);
    }
    link.client.flush();
    drive(
        {&link.server}, [&] { return link.in->packets.size() == packets; }, "train");
  };
  for (int i = 0; i < 10; ++i) pass_train();
  const MemoryUse server = link.server.memory();
  const MemoryUse client = link.client.memory();

  for (int i = 0; i < 10; ++i) pass_train();

  EXPECT_EQ(link.server.memory().allocations, server.allocations);
  EXPECT_EQ(link.client.memory().allocations, client.allocations);
}

TEST_P(Cost, AnIdleConnectionHoldsLittleMemory) {
  constexpr int connections = 200;
  constexpr std::ptrdiff_t bytes_max = 2048;
  Linked link(uri(), opening());
  const MemoryUse server = link.server.memory();
  const MemoryUse client = link.client.memory();

  std::vector<Seen*> out;
  for (int i = 0; i < connections; ++i) out.push_back(link.client.connect(link.uri).value);
  drive(
      {&link.server, &link.client}, [&] { return link.server.accepted.size() == connections + 1; },
      "connections");
  for (Seen* conn : out) ASSERT_EQ(link.client.send(*conn, "hello"), TT_OK);
  drive(
      {&link.server}, [&] { return link.server.accepted.back()->packets.size() == 1; }, "packets");

  EXPECT_GT(link.server.memory().bytes, server.bytes) << "the meter does not count the plugin";
  EXPECT_LT(link.server.memory().bytes - server.bytes, connections * bytes_max);
  EXPECT_LT(link.client.memory().bytes - client.bytes, connections * bytes_max);
}

TEST_P(Cost, MemoryOfLargePacketsIsUsedAgainAndGivenBackWhenIdle) {
  Linked link(uri(), opening());
  const std::string large(100'000, 'x');
  const auto pass = [&] {
    const std::size_t before = link.in->packets.size();
    ASSERT_EQ(link.client.send(*link.out, large), TT_OK);
    drive(
        {&link.server, &link.client}, [&] { return link.in->packets.size() > before; }, "packet");
  };
  pass();
  EXPECT_GT(link.server.lent_bytes, large.size()) << "kept for the next one";
  const int allocations = link.server.lent_buffers;
  for (int i = 0; i < 5; ++i) pass();
  EXPECT_EQ(link.server.lent_buffers, allocations);

  for (int i = 0; i < 3; ++i) {
    link.server.advance(20s);  // also beyond the look at whether packets go on
    link.server.step();
  }
  EXPECT_EQ(link.server.lent_bytes, 0u);
  std::uint64_t deadline = 0;
  EXPECT_EQ(link.server.arm(deadline), TT_OK);
  EXPECT_EQ(deadline, 0u) << "nothing is left to wait for";
}

}  // namespace
}  // namespace trestle::tcp::testing
