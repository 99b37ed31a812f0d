// Frames packed into packets, lent payloads, and what has left.
#include "peers/outbox.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trestle::peers {
namespace {

struct Sink final : PacketSink {
  tt_status send_packet(std::span<const tt_iov> segments, std::uint32_t flags,
                        std::uint64_t op) override {
    if (status < 0) return status;
    sizes.push_back(0);
    for (const tt_iov& segment : segments) {
      sizes.back() += segment.len;
      bases.push_back(segment.base);
    }
    counts.push_back(segments.size());
    last_flags = flags;
    last_op = op;
    return status;
  }
  tt_status status = TT_OK;
  std::vector<std::size_t> sizes, counts;
  std::vector<const void*> bases;
  std::uint32_t last_flags = 0;
  std::uint64_t last_op = 0;
};

Payload bytes_of(std::size_t size) {
  return Payload::copy(std::string(size, 'p'));
}

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() { outbox_.limit_segments(16); }
  Outbox outbox_;
  Sink sink_;
};

TEST_F(OutboxTest, PacksTheFramesOfATurnIntoOnePacket) {
  for (int i = 0; i < 100; ++i) outbox_.add(wire::Ping{1});

  EXPECT_EQ(outbox_.flush(sink_), TT_OK);

  EXPECT_EQ(sink_.sizes, std::vector<std::size_t>{8 + 100 * 16});
  EXPECT_EQ(sink_.last_flags, static_cast<std::uint32_t>(TT_SEND_COPY));
}

TEST_F(OutboxTest, StartsAnotherPacketAt64KiB) {
  for (int i = 0; i < 200; ++i) outbox_.add(wire::Reply{}, bytes_of(1000));

  outbox_.flush(sink_);

  ASSERT_GE(sink_.sizes.size(), 3u);
  for (const std::size_t size : sink_.sizes) EXPECT_LE(size, 65u * 1024);
}

TEST_F(OutboxTest, LendsALargePayload) {
  Payload payload = bytes_of(10'000);
  const void* where = payload.data();
  outbox_.add(wire::Reply{}, std::move(payload));

  outbox_.flush(sink_);

  ASSERT_EQ(sink_.bases.size(), 2u);
  EXPECT_EQ(sink_.bases[1], where);
  EXPECT_EQ(sink_.last_flags, 0u);
}

TEST_F(OutboxTest, CopiesWhatItDoesNotOwn) {
  const std::string text(10'000, 'b');
  outbox_.add(wire::Reply{}, Payload::borrow(as_bytes(text)));

  outbox_.flush(sink_);

  EXPECT_EQ(sink_.counts, std::vector<std::size_t>{1});
  EXPECT_EQ(sink_.sizes[0], 8u + 8 + 16 + 10'000);
}

TEST_F(OutboxTest, StaysWithinTheSegmentsOfTheTransport) {
  outbox_.limit_segments(4);
  for (int i = 0; i < 5; ++i) outbox_.add(wire::Reply{}, bytes_of(5000));

  outbox_.flush(sink_);

  EXPECT_EQ(sink_.counts.size(), 5u);
  for (const std::size_t count : sink_.counts) EXPECT_LE(count, 4u);
}

TEST_F(OutboxTest, KeepsALentPayloadUntilItIsSent) {
  int freed = 0;
  const std::string bytes(8000, 'x');
  outbox_.add(wire::Reply{},
              Payload::lend(
                  as_bytes(bytes), [](void* p) noexcept { ++*static_cast<int*>(p); }, &freed));
  sink_.status = TT_PENDING;

  outbox_.flush(sink_);
  EXPECT_EQ(freed, 0);
  EXPECT_TRUE(outbox_.is_empty());
  EXPECT_FALSE(outbox_.is_idle());
  outbox_.on_sent(sink_.last_op);

  EXPECT_EQ(freed, 1);
  EXPECT_TRUE(outbox_.is_idle());
}

TEST_F(OutboxTest, WaitsUntilTheTransportHasRoom) {
  const FrameNumber frame = outbox_.add(wire::Ping{1});
  sink_.status = TT_E_AGAIN;
  EXPECT_EQ(outbox_.flush(sink_), TT_OK);
  sink_.status = TT_OK;
  outbox_.flush(sink_);
  EXPECT_FALSE(outbox_.has_left(frame));

  outbox_.unblock();
  outbox_.flush(sink_);

  EXPECT_TRUE(outbox_.has_left(frame));
}

TEST_F(OutboxTest, ReportsAConnectionThatIsBeyondRepair) {
  const FrameNumber frame = outbox_.add(wire::Ping{1});
  sink_.status = TT_E_RESET;

  EXPECT_EQ(outbox_.flush(sink_), TT_E_RESET);
  EXPECT_FALSE(outbox_.has_left(frame));
}

TEST_F(OutboxTest, WithdrawsAFrameBeforeItLeavesAndNeverAfter) {
  const FrameNumber left = outbox_.add(wire::Ping{1});
  outbox_.flush(sink_);
  const FrameNumber waiting = outbox_.add(wire::Ping{2});

  EXPECT_FALSE(outbox_.withdraw(left));
  EXPECT_TRUE(outbox_.withdraw(waiting));
  EXPECT_FALSE(outbox_.withdraw(waiting + 1)) << "no such frame";
}

TEST_F(OutboxTest, NumbersFramesOverPackets) {
  EXPECT_EQ(outbox_.add(wire::Ping{1}), 1u);
  EXPECT_EQ(outbox_.add(wire::Reply{}, bytes_of(70'000)), 2u);
  EXPECT_EQ(outbox_.add(wire::Ping{1}), 3u);
  EXPECT_TRUE(outbox_.withdraw(3));
  outbox_.flush(sink_);

  EXPECT_TRUE(outbox_.has_left(3));
  EXPECT_FALSE(outbox_.has_left(4));
}

TEST_F(OutboxTest, CountsWhatWaitsAndNothingElse) {
  outbox_.add(wire::Ping{1});
  outbox_.add(wire::Reply{}, bytes_of(10'000));
  const std::size_t queued = outbox_.queued_bytes();

  outbox_.flush(sink_);

  EXPECT_EQ(queued, sink_.sizes.front());
  EXPECT_EQ(outbox_.queued_bytes(), 0u);
}

}  // namespace
}  // namespace trestle::peers
