// What the parts of a connection ask of the allocator once the first messages went through.
#include <gtest/gtest.h>

#include <vector>

#include "fakes/counted_allocations.hpp"
#include "peers/outbox.hpp"
#include "platform/sanitizers.hpp"

namespace trestle::peers {
namespace {

struct Sink final : PacketSink {
  tt_status send_packet(std::span<const tt_iov> segments, std::uint32_t,
                        std::uint64_t op) override {
    last_op = op;
    for (const tt_iov& segment : segments) bytes += segment.len;
    return status;
  }
  tt_status status = TT_OK;
  std::uint64_t last_op = 0;
  std::size_t bytes = 0;
};

class OutboxAllocations : public ::testing::Test {
 protected:
  OutboxAllocations() { outbox_.limit_segments(16); }

  void SetUp() override {
    if (platform::sanitized) GTEST_SKIP() << "memory is not recycled under sanitizers";
  }

  void add(int count, std::size_t payload_bytes) {
    for (int i = 0; i < count; ++i) {
      Payload payload = Payload::lend(
          {content_, payload_bytes}, [](void*) noexcept {}, nullptr);
      outbox_.add(wire::Reply{}, std::move(payload));
    }
  }
  void flush() {
    outbox_.flush(sink_, done_);
    done_.clear();
  }

  std::byte content_[8192]{};
  Outbox outbox_;
  Sink sink_;
  std::vector<Payload> done_;
};

TEST_F(OutboxAllocations, NoneForOneFrameInAPacket) {
  const auto turn = [&] {
    add(1, 64);
    flush();
  };

  EXPECT_EQ(fakes::allocations_when_warm(100, turn), 0u);
  EXPECT_GT(sink_.bytes, 100u * 64);
}

TEST_F(OutboxAllocations, NoneForManyPacketsOfManyFrames) {
  const auto turn = [&] {
    add(500, 1000);
    flush();
  };

  EXPECT_EQ(fakes::allocations_when_warm(20, turn), 0u);
}

TEST_F(OutboxAllocations, NoneForLentPayloadsThatAreSentLater) {
  sink_.status = TT_PENDING;
  std::vector<std::uint64_t> ops;
  const auto turn = [&] {
    for (int i = 0; i < 8; ++i) {
      add(2, 8000);
      flush();
      ops.push_back(sink_.last_op);
    }
    for (const std::uint64_t op : ops) outbox_.on_sent(op, done_);
    ops.clear();
    done_.clear();
  };

  EXPECT_EQ(fakes::allocations_when_warm(20, turn), 0u);
  EXPECT_TRUE(outbox_.is_idle());
}

}  // namespace
}  // namespace trestle::peers
