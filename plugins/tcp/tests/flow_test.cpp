// Packets and their flow over both kinds of socket: order, sizes, back-pressure, closing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "driven_transport.hpp"

namespace trestle::tcp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using namespace std::chrono_literals;

std::string patterned(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 7 + i / 251) & 0xff);
  return out;
}

class Flow : public ::testing::TestWithParam<const char*> {
 protected:
  static std::string uri() {
    return std::string(GetParam()) == "tcp" ? "tcp://127.0.0.1:0" : "unix://*";
  }
  static Opening opening() {
    Opening made;
    made.scheme = GetParam();
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(Schemes, Flow, ::testing::Values("tcp", "unix"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(Flow, KeepsOrderAndBytesOfAllSizes) {
  Linked link(uri(), opening());
  std::vector<std::string> sent;
  for (const std::size_t size : {0, 1, 4095, 4096, 4097, 16383, 16384, 16385, 65536, 65537, 0}) {
    sent.push_back(patterned(size));
    ASSERT_EQ(link.client.send(*link.out, sent.back()), TT_OK) << size;
  }
  drive(
      {&link.server, &link.client}, [&] { return link.in->packets.size() == sent.size(); },
      "packets");

  EXPECT_TRUE(link.in->packets == sent);
  EXPECT_EQ(link.in->held, 3) << "only large packets come in memory of their own";
}

TEST_P(Flow, GivesPacketsOneAtATimeIfAskedTo) {
  Linked link(uri(), opening());
  for (const char* text : {"a", "b", "c"}) link.client.send(*link.out, text);

  for (std::size_t expected = 1; expected <= 3; ++expected) {
    drive(
        {&link.client}, [] { return true; }, "");
    while (link.in->packets.size() < expected) ASSERT_LE(link.server.step(1), 1);
    EXPECT_EQ(link.in->packets.size(), expected);
  }
  EXPECT_THAT(link.in->packets, ElementsAre("a", "b", "c"));
}

TEST_P(Flow, GathersATrainUntilFlushed) {
  Linked link(uri(), opening());
  ASSERT_EQ(link.client.send(*link.out, "one", TT_SEND_COPY | TT_SEND_MORE), TT_OK);
  ASSERT_EQ(link.client.send(*link.out, "two", TT_SEND_COPY | TT_SEND_MORE), TT_OK);
  link.server.sleep(0ms);
  link.server.step();
  EXPECT_TRUE(link.in->packets.empty()) << "left before the flush";

  link.client.flush();

  drive(
      {&link.server}, [&] { return link.in->packets.size() == 2; }, "packets");
  EXPECT_THAT(link.in->packets, ElementsAre("one", "two"));
}

TEST_P(Flow, LendsALargeBufferUntilExactlyOneSent) {
  Linked link(uri(), opening());
  const std::string large = patterned(32 << 20);

  ASSERT_EQ(link.client.send(*link.out, large, 0, 42), TT_PENDING);
  ASSERT_EQ(link.client.send(*link.out, "after", TT_SEND_COPY), TT_E_AGAIN);
  EXPECT_TRUE(link.out->sent.empty());
  drive(
      {&link.server, &link.client}, [&] { return link.in->packets.size() == 1; }, "packet");
  drive(
      {&link.client}, [&] { return link.out->writable == 1; }, "WRITABLE");

  EXPECT_TRUE(link.in->packets[0] == large);
  EXPECT_THAT(link.out->sent, ElementsAre(Pair(42, TT_OK)));
  EXPECT_EQ(link.client.send(*link.out, "after"), TT_OK);
}

TEST_P(Flow, StopsAcceptingAtTheMarkAndSaysWritableOnce) {
  Linked link(uri(), opening());
  const std::string part(60'000, 'x');
  std::size_t accepted = 0;
  while (link.client.send(*link.out, part) == TT_OK) ++accepted;
  ASSERT_EQ(link.client.send(*link.out, part), TT_E_AGAIN);
  // A socket takes some megabytes at most, the queue one.
  EXPECT_LT(accepted * part.size(), 64u << 20);

  drive(
      {&link.server, &link.client}, [&] { return link.in->packets.size() == accepted; }, "packets");
  drive(
      {&link.client}, [&] { return link.out->writable > 0; }, "WRITABLE");

  EXPECT_EQ(link.out->writable, 1);
  EXPECT_EQ(link.client.send(*link.out, part), TT_OK);
}

TEST_P(Flow, DeliversEverythingBeforeAnOrderlyClose) {
  Linked link(uri(), opening());
  const std::string part = patterned(100'000);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(link.client.send(*link.out, part), TT_OK);

  link.client.close(*link.out);
  EXPECT_EQ(link.client.send(*link.out, "late"), TT_E_CLOSED);
  link.client.close(*link.out);
  drive(
      {&link.server, &link.client}, [&] { return link.in->closed + link.out->closed == 2; },
      "CLOSED on both sides");

  EXPECT_EQ(link.in->packets.size(), 10u);
  EXPECT_EQ(link.in->status, TT_E_CLOSED);
  EXPECT_EQ(link.in->text, "closed by the peer");
  EXPECT_EQ(link.out->status, TT_E_CLOSED);
}

TEST_P(Flow, BothSidesMayCloseAtOnce) {
  Linked link(uri(), opening());
  link.client.send(*link.out, "x");
  link.server.send(*link.in, "y");

  link.client.close(*link.out);
  link.server.close(*link.in);
  drive(
      {&link.server, &link.client}, [&] { return link.in->closed + link.out->closed == 2; },
      "CLOSED on both sides");

  EXPECT_EQ(link.in->status, TT_E_CLOSED);
  EXPECT_EQ(link.out->status, TT_E_CLOSED);
}

TEST_P(Flow, AnAbortLooksLikeALossToThePeer) {
  Linked link(uri(), opening());
  const std::string large = patterned(32 << 20);
  ASSERT_EQ(link.client.send(*link.out, large, 0, 7), TT_PENDING);

  link.client.close(*link.out, TT_CLOSE_ABORT);
  drive(
      {&link.server, &link.client}, [&] { return link.in->closed + link.out->closed == 2; },
      "CLOSED on both sides");

  EXPECT_THAT(link.out->sent, ElementsAre(Pair(7, TT_E_CLOSED)));
  EXPECT_EQ(link.out->status, TT_E_CLOSED);
  EXPECT_EQ(link.in->status, TT_E_RESET);
  EXPECT_TRUE(link.in->packets.empty());
}

TEST_P(Flow, LingersNoLongerThanAsked) {
  Linked link(uri(), opening());
  ASSERT_EQ(link.client.send(*link.out, patterned(32 << 20)), TT_OK);

  link.client.close(*link.out);
  link.client.advance(9s);
  link.client.step();
  EXPECT_EQ(link.out->closed, 0) << "before the linger time of 10 s";
  link.client.advance(2s);
  drive(
      {&link.client}, [&] { return link.out->closed == 1; }, "CLOSED");

  EXPECT_THAT(link.out->text, HasSubstr("not taken within the linger time"));
}

TEST_P(Flow, APauseHoldsPacketsBackUntilResumed) {
  Linked link(uri(), opening());
  link.server.pause(*link.in, true);
  link.client.send(*link.out, "later");
  link.client.close(*link.out);
  for (int i = 0; i < 3; ++i) link.server.step();
  EXPECT_TRUE(link.in->packets.empty());
  std::uint64_t deadline = 0;
  EXPECT_EQ(link.server.arm(deadline), TT_OK) << "a paused connection keeps nobody awake";

  link.server.pause(*link.in, false);
  drive(
      {&link.server, &link.client}, [&] { return link.in->closed == 1; }, "CLOSED");

  EXPECT_THAT(link.in->packets, ElementsAre("later"));
}

TEST_P(Flow, AHangUpWhilePausedDoesNotSpin) {
  Linked link(uri(), opening());
  link.server.pause(*link.in, true);
  link.client.close(*link.out, TT_CLOSE_ABORT);
  drive(
      {&link.client}, [&] { return link.out->closed == 1; }, "CLOSED");
  for (int i = 0; i < 3; ++i) link.server.step();

  // Had the hang-up stayed in the epoll set, the descriptor would be readable for ever.
  EXPECT_EQ(link.server.step(), 0);
  EXPECT_FALSE(link.server.wait_fd_readable());

  link.server.pause(*link.in, false);
  drive(
      {&link.server}, [&] { return link.in->closed == 1; }, "CLOSED");
  EXPECT_EQ(link.in->status, TT_E_RESET);
}

TEST_P(Flow, ShutdownEndsEverythingAndThenSaysDown) {
  Linked link(uri(), opening());
  link.client.send(*link.out, "last words");

  link.client.shutdown();
  link.server.shutdown();
  EXPECT_EQ(link.client.connect(link.uri).status, TT_E_CLOSED);
  drive(
      {&link.server, &link.client}, [&] { return link.server.down && link.client.down; },
      "DOWN on both sides");

  EXPECT_EQ(link.in->closed + link.out->closed, 2);
  EXPECT_EQ(link.server.unlistened, 1);
}

TEST_P(Flow, UnlistenLeavesConnectionsAlone) {
  Linked link(uri(), opening());

  link.server.unlisten(link.listener);
  drive(
      {&link.server}, [&] { return link.server.unlistened == 1; }, "UNLISTENED");
  link.client.send(*link.out, "still here");
  Seen* late = link.client.connect(link.uri).value;
  drive(
      {&link.server, &link.client}, [&] { return late->closed == 1 && !link.in->packets.empty(); },
      "packet and refusal");

  EXPECT_EQ(late->status, TT_E_REFUSED);
}

TEST_P(Flow, HundredsOfConnectionsComeUp) {
  DrivenTransport server(opening());
  DrivenTransport client(opening());
  const std::string at = server.uri(server.listen(uri()).value);
  std::vector<Seen*> out;
  for (int i = 0; i < 400; ++i) out.push_back(client.connect(at).value);

  drive(
      {&server, &client}, [&] { return server.accepted.size() == out.size(); }, "connections");
  for (Seen* conn : out) ASSERT_EQ(client.send(*conn, "hi"), TT_OK);
  drive(
      {&server, &client},
      [&] {
        return std::all_of(server.accepted.begin(), server.accepted.end(),
                           [](Seen* conn) { return conn->packets.size() == 1; });
      },
      "packets");
}

}  // namespace
}  // namespace trestle::tcp::testing
