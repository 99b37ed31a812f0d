// The queue of a transport as its host sees it: order, and how long what it delivered stays.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "driven_transport.hpp"

namespace trestle::inproc::testing {
namespace {

std::string_view packet_of(const tt_event& event) {
  return {static_cast<const char*>(event.data), event.len};
}

/// Packets of all sizes that are copied, each different.
std::string numbered(std::size_t number) {
  return std::string(number * 37 % 4097, static_cast<char>('a' + number % 26));
}

TEST(InprocQueue, KeepsABatchReadableUntilTheNextProgress) {
  Pair pair;
  for (std::size_t i = 0; i < 64; ++i) ASSERT_EQ(pair.sender.send(pair.out, numbered(i)), TT_OK);

  const auto batch = pair.receiver.progress();
  for (std::size_t i = 0; i < 200; ++i) {
    ASSERT_EQ(pair.sender.send(pair.out, std::string(4096, '!')), TT_OK);
  }

  ASSERT_EQ(batch.size(), 64u);
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(packet_of(batch[i]), numbered(i));
}

TEST(InprocQueue, KeepsTheOrderOfAllConnectionsThatLeadToIt) {
  DrivenTransport receiver(1 << 20);
  DrivenTransport sender(1 << 20);
  const std::string uri = receiver.listen();
  const std::vector<tt_conn*> conns = {sender.connect(uri), sender.connect(uri)};
  ASSERT_EQ(sender.progress().size(), 2u);
  ASSERT_EQ(receiver.progress().size(), 2u);
  const std::string large(5000, '5');

  ASSERT_EQ(sender.send(conns[0], "1"), TT_OK);
  ASSERT_EQ(sender.send(conns[1], "2"), TT_OK);
  ASSERT_EQ(sender.send(conns[1], large), TT_PENDING);
  ASSERT_EQ(sender.send(conns[0], large, TT_SEND_COPY), TT_OK);
  ASSERT_EQ(sender.send(conns[1], "3"), TT_OK);

  const auto batch = receiver.progress();
  ASSERT_EQ(batch.size(), 5u);
  EXPECT_EQ(packet_of(batch[0]), "1");
  EXPECT_EQ(packet_of(batch[1]), "2");
  EXPECT_EQ(packet_of(batch[2]), large);
  EXPECT_EQ(packet_of(batch[3]), large);
  EXPECT_EQ(packet_of(batch[4]), "3");
  for (const tt_event& event : {batch[2], batch[3]}) receiver.release(event.rx);
}

TEST(InprocQueue, AnAbortDropsOnlyItsOwnConnection) {
  DrivenTransport receiver(1 << 20);
  DrivenTransport sender(1 << 20);
  const std::string uri = receiver.listen();
  tt_conn* const aborted = sender.connect(uri);
  tt_conn* const kept = sender.connect(uri);
  ASSERT_EQ(sender.progress().size(), 2u);
  ASSERT_EQ(receiver.progress().size(), 2u);
  const std::string large(5000, 'x');
  ASSERT_EQ(sender.send(aborted, "dropped"), TT_OK);
  ASSERT_EQ(sender.send(aborted, large, 0, 7), TT_PENDING);
  ASSERT_EQ(sender.send(aborted, large, TT_SEND_COPY), TT_OK);
  ASSERT_EQ(sender.send(kept, "kept"), TT_OK);

  sender.close(aborted, TT_CLOSE_ABORT);

  const auto told = sender.progress();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].kind, TT_EV_SENT);
  EXPECT_EQ(told[0].op, 7u);
  EXPECT_EQ(told[0].status, TT_E_CLOSED);
  EXPECT_EQ(told[1].kind, TT_EV_CLOSED);
  sender.free(aborted);
  const auto seen = receiver.progress();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(packet_of(seen[0]), "kept");
  EXPECT_EQ(seen[1].kind, TT_EV_CLOSED);
  EXPECT_EQ(seen[1].status, TT_E_RESET);
  receiver.free(seen[1].conn);
}

TEST(InprocQueue, APacketOutlivesTheTransportThatCopiedIt) {
  DrivenTransport receiver(1 << 20);
  tt_rx* held = nullptr;
  std::string_view bytes;
  const std::string large(5000, 'x');
  {
    DrivenTransport sender(1 << 20);
    tt_conn* const out = sender.connect(receiver.listen());
    ASSERT_EQ(sender.progress().size(), 1u);
    ASSERT_EQ(receiver.progress().size(), 1u);
    ASSERT_EQ(sender.send(out, large), TT_PENDING);
    sender.close(out);  // takes the loan back by copying
  }

  const auto batch = receiver.progress();
  ASSERT_EQ(batch.size(), 2u);
  held = batch[0].rx;
  bytes = packet_of(batch[0]);
  receiver.free(batch[1].conn);

  EXPECT_EQ(bytes, large);
  receiver.release(held);
}

TEST(InprocQueue, ASenderThatWasRefusedIsToldBeforeTheReceiverSleeps) {
  Pair pair(1000);
  const std::string half(500, 'x');
  ASSERT_EQ(pair.sender.send(pair.out, half), TT_OK);
  ASSERT_EQ(pair.sender.send(pair.out, half), TT_E_AGAIN);
  ASSERT_EQ(pair.sender.arm(), TT_OK);
  EXPECT_EQ(pair.receiver.arm(), TT_E_BUSY);

  ASSERT_EQ(pair.receiver.progress().size(), 1u);

  EXPECT_EQ(pair.receiver.arm(), TT_OK);
  const auto told = pair.sender.progress();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, TT_EV_WRITABLE);
  EXPECT_EQ(pair.sender.send(pair.out, half), TT_OK);
}

TEST(InprocQueue, ASenderThatClosesIsOwedNothing) {
  Pair pair(1000);
  const std::string half(500, 'x');
  ASSERT_EQ(pair.sender.send(pair.out, half), TT_OK);
  ASSERT_EQ(pair.sender.send(pair.out, half), TT_E_AGAIN);

  pair.sender.close(pair.out);
  ASSERT_EQ(pair.receiver.progress().size(), 2u);

  const auto told = pair.sender.progress();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, TT_EV_CLOSED);
  EXPECT_EQ(pair.receiver.arm(), TT_OK);
  pair.sender.free(pair.out);
  pair.receiver.free(pair.in);
}

}  // namespace
}  // namespace trestle::inproc::testing
