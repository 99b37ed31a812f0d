// Frames packed into packets, lent payloads, and what has left.
#include "peers/outbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

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
    std::string& packet = packets.emplace_back();
    for (const tt_iov& segment : segments) {
      packet.append(static_cast<const char*>(segment.base), segment.len);
    }
    last_flags = flags;
    last_op = op;
    return status;
  }
  tt_status status = TT_OK;
  std::vector<std::size_t> sizes, counts;
  std::vector<const void*> bases;
  std::vector<std::string> packets;
  std::uint32_t last_flags = 0;
  std::uint64_t last_op = 0;
};

Payload bytes_of(std::size_t size) {
  return Payload::copy(std::string(size, 'p'));
}

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() { outbox_.limit_segments(16); }
  tt_status flush() { return outbox_.flush(sink_, done_); }

  Outbox outbox_;
  Sink sink_;
  std::vector<Payload> done_;
};

TEST_F(OutboxTest, PacksTheFramesOfATurnIntoOnePacket) {
  for (int i = 0; i < 100; ++i) outbox_.add(wire::Ping{1});

  EXPECT_EQ(flush(), TT_OK);

  EXPECT_EQ(sink_.sizes, std::vector<std::size_t>{8 + 100 * 16});
  EXPECT_EQ(sink_.last_flags, static_cast<std::uint32_t>(TT_SEND_COPY));
}

TEST_F(OutboxTest, StartsAnotherPacketAt64KiB) {
  for (int i = 0; i < 200; ++i) outbox_.add(wire::Reply{}, bytes_of(1000));

  flush();

  ASSERT_GE(sink_.sizes.size(), 3u);
  for (const std::size_t size : sink_.sizes) EXPECT_LE(size, 65u * 1024);
}

TEST_F(OutboxTest, LendsALargePayload) {
  Payload payload = bytes_of(10'000);
  const void* where = payload.data();
  outbox_.add(wire::Reply{}, std::move(payload));

  flush();

  ASSERT_EQ(sink_.bases.size(), 2u);
  EXPECT_EQ(sink_.bases[1], where);
  EXPECT_EQ(sink_.last_flags, 0u);
}

TEST_F(OutboxTest, CopiesWhatItDoesNotOwn) {
  const std::string text(10'000, 'b');
  outbox_.add(wire::Reply{}, Payload::borrow(as_bytes(text)));

  flush();

  EXPECT_EQ(sink_.counts, std::vector<std::size_t>{1});
  EXPECT_EQ(sink_.sizes[0], 8u + 8 + 16 + 10'000);
}

TEST_F(OutboxTest, StaysWithinTheSegmentsOfTheTransport) {
  outbox_.limit_segments(4);
  for (int i = 0; i < 5; ++i) outbox_.add(wire::Reply{}, bytes_of(5000));

  flush();

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

  flush();
  EXPECT_EQ(freed, 0);
  EXPECT_TRUE(outbox_.is_empty());
  EXPECT_FALSE(outbox_.is_idle());
  outbox_.on_sent(sink_.last_op, done_);

  EXPECT_EQ(freed, 0) << "freed under the lock of the caller";
  EXPECT_TRUE(outbox_.is_idle());
  done_.clear();
  EXPECT_EQ(freed, 1);
}

TEST_F(OutboxTest, LeavesAPayloadThatWasSentAtOnceToTheCaller) {
  Payload payload = bytes_of(10'000);
  const void* where = payload.data();
  outbox_.add(wire::Reply{}, std::move(payload));

  flush();

  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].data(), where);
  EXPECT_TRUE(outbox_.is_idle());
}

TEST_F(OutboxTest, LeavesAPayloadThatItCopiedWithTheCaller) {
  Payload payload = bytes_of(100);

  outbox_.add(wire::Reply{}, std::move(payload));

  EXPECT_EQ(payload.size(), 100u);  // NOLINT(bugprone-use-after-move): that is the promise
}

TEST_F(OutboxTest, TakesTheEndsOfSendsInAnyOrder) {
  sink_.status = TT_PENDING;
  std::vector<std::uint64_t> ops;
  for (int i = 0; i < 50; ++i) {
    outbox_.add(wire::Reply{}, bytes_of(5000));
    flush();
    ops.push_back(sink_.last_op);
  }
  std::rotate(ops.begin(), ops.begin() + 20, ops.end());

  for (const std::uint64_t op : ops) {
    EXPECT_FALSE(outbox_.is_idle());
    outbox_.on_sent(op, done_);
    outbox_.on_sent(op, done_);  // what is said twice counts once
  }

  EXPECT_EQ(done_.size(), 50u);
  EXPECT_TRUE(outbox_.is_idle());
}

TEST_F(OutboxTest, LeavesAllPayloadsToTheCallerWhenItIsCleared) {
  sink_.status = TT_PENDING;
  outbox_.add(wire::Reply{}, bytes_of(5000));
  flush();
  outbox_.add(wire::Reply{}, bytes_of(5000));
  outbox_.add(wire::Ping{1});

  outbox_.clear(done_);

  EXPECT_EQ(done_.size(), 2u);
  EXPECT_TRUE(outbox_.is_idle());
  EXPECT_EQ(outbox_.queued_bytes(), 0u);
}

TEST_F(OutboxTest, WaitsUntilTheTransportHasRoom) {
  const FrameNumber frame = outbox_.add(wire::Ping{1});
  sink_.status = TT_E_AGAIN;
  EXPECT_EQ(flush(), TT_OK);
  sink_.status = TT_OK;
  flush();
  EXPECT_FALSE(outbox_.has_left(frame));

  outbox_.unblock();
  flush();

  EXPECT_TRUE(outbox_.has_left(frame));
}

TEST_F(OutboxTest, ReportsAConnectionThatIsBeyondRepair) {
  const FrameNumber frame = outbox_.add(wire::Ping{1});
  sink_.status = TT_E_RESET;

  EXPECT_EQ(flush(), TT_E_RESET);
  EXPECT_FALSE(outbox_.has_left(frame));
}

TEST_F(OutboxTest, WithdrawsAFrameBeforeItLeavesAndNeverAfter) {
  const FrameNumber left = outbox_.add(wire::Ping{1});
  flush();
  const FrameNumber waiting = outbox_.add(wire::Ping{2});

  EXPECT_FALSE(outbox_.withdraw(left));
  EXPECT_TRUE(outbox_.withdraw(waiting));
  EXPECT_FALSE(outbox_.withdraw(waiting + 1000)) << "no such frame";
}

TEST_F(OutboxTest, WithdrawsTheFrameThatItWasAskedTo) {
  std::vector<FrameNumber> numbers;
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = i % 10 == 0 ? 5000 : 900;
    numbers.push_back(outbox_.add(wire::Reply{wire::CallId{std::uint64_t(i)}}, bytes_of(size)));
  }

  for (const std::size_t i : {0u, 7u, 10u, 99u, 199u}) EXPECT_TRUE(outbox_.withdraw(numbers[i]));
  flush();

  std::vector<std::uint64_t> skipped;
  std::uint64_t index = 0;
  for (const std::string& packet : sink_.packets) {
    wire::PacketReader reader(as_bytes(packet), 1 << 20);
    while (const auto frame = reader.next().value()) {
      if (std::holds_alternative<wire::UnknownFrame>(*frame)) skipped.push_back(index);
      ++index;
    }
  }
  EXPECT_EQ(index, 200u);
  EXPECT_EQ(skipped, (std::vector<std::uint64_t>{0, 7, 10, 99, 199}));
}

TEST_F(OutboxTest, NumbersFramesOverPackets) {
  const FrameNumber first = outbox_.add(wire::Ping{1});
  const FrameNumber second = outbox_.add(wire::Reply{}, bytes_of(70'000));
  const FrameNumber third = outbox_.add(wire::Ping{1});
  EXPECT_GE(first, 1u);
  EXPECT_GT(second, first);
  EXPECT_GT(third, second);
  EXPECT_TRUE(outbox_.withdraw(third));
  flush();

  EXPECT_TRUE(outbox_.has_left(third));
  EXPECT_FALSE(outbox_.has_left(outbox_.add(wire::Ping{1})));
}

TEST_F(OutboxTest, CountsWhatWaitsAndNothingElse) {
  outbox_.add(wire::Ping{1});
  outbox_.add(wire::Reply{}, bytes_of(10'000));
  const std::size_t queued = outbox_.queued_bytes();

  flush();

  EXPECT_EQ(queued, sink_.sizes.front());
  EXPECT_EQ(outbox_.queued_bytes(), 0u);
}

}  // namespace
}  // namespace trestle::peers
