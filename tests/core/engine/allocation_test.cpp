// What lent packets, timers and calls ask of the allocator once the first ones went through.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "calls/call_table.hpp"
#include "engine/packet_hold.hpp"
#include "engine/timer_queue.hpp"
#include "engine/transport.hpp"
#include "fakes/counted_allocations.hpp"
#include "fakes/fake_transport.hpp"
#include "platform/sanitizers.hpp"

namespace trestle::engine {
namespace {

TEST(PacketHoldAllocations, NoneForAPacketThatReadersKeep) {
  if (platform::sanitized) GTEST_SKIP() << "memory is not recycled under sanitizers";
  const auto queue = std::make_shared<ReleaseQueue>([] {});
  fakes::FakeTransport fake;
  auto opened =
      Transport::open(fake.plugin(), "fake",
                      {.wake = [] {}, .now = [] { return TimePoint(0); }, .log = {}}, queue, {});
  const auto transport = std::move(opened).value();
  fakes::FakeRx rx;
  const std::vector<std::byte> packet(20'000);
  std::vector<Payload> kept;
  kept.reserve(2 * 16);
  std::size_t given_back = 0;
  const auto turn = [&] {
    for (int i = 0; i < 16; ++i) {
      PacketSource source(*transport, rx.handle(), queue, packet.size());
      kept.push_back(source.keep(BytesView(packet).first(10'000)));
      kept.push_back(source.keep(BytesView(packet).first(100)));
    }
    kept.clear();
    given_back += queue->take().size();
  };

  EXPECT_EQ(fakes::allocations_when_warm(10, turn), 0u);
  EXPECT_EQ(given_back, 2u * 10 * 16);
}

struct NoEvents final : calls::DeadlineEvents {
  void on_deadline(wire::CallId) override {}
};
struct NoSink final : calls::CallSink {
  void complete(Result<Encoded>&&) noexcept override {}
};

TEST(CallAllocations, NoneForCallsWithADeadline) {
  NoEvents events;
  NoSink sink;
  calls::CallTable calls(100, events);
  TimerQueue timers;
  std::vector<calls::PendingCall*> pending;
  pending.reserve(100);
  const auto turn = [&] {
    for (int i = 0; i < 100; ++i) {
      pending.push_back(calls.acquire(sink).value());
      timers.arm(*pending.back(), TimePoint(i));
    }
    for (calls::PendingCall* call : pending) {
      TimerQueue::cancel(*call);
      calls.release(*call);
    }
    pending.clear();
  };

  EXPECT_EQ(fakes::allocations_when_warm(10, turn), 0u);
}

}  // namespace
}  // namespace trestle::engine
