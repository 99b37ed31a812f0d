// Events, timers and the sleep of an engine over a transport without I/O.
#include "engine/engine.hpp"

#include <gtest/gtest.h>
#include <trestle/manual_driver.hpp>

#include <chrono>
#include <thread>

#include "fakes/fake_transport.hpp"

namespace trestle::engine {
namespace {

using namespace std::chrono_literals;
using fakes::FakeTransport;

struct Above final : EngineEvents {
  bool has_work() const override { return work; }
  void on_transport_failed(Transport&) override { ++failed; }

  int failed = 0;
  bool work = false;
};

struct Alarm final : Timer {
  void expire() override { ++rings; }
  int rings = 0;
};

class EngineTest : public ::testing::Test {
 protected:
  Transport& open() {
    const std::lock_guard lock(engine_.mutex());
    return *engine_.transport(fake_.plugin(), "fake").value();
  }
  TimePoint sleep(TimePoint limit = 20s) {
    const TimePoint start = engine_.now();
    rest_until(start + limit);
    return engine_.now() - start;
  }
  void rest_until(TimePoint limit, Seat seat = Seat::thread) {
    {
      const Lock lock(engine_.mutex());
      if (!engine_.prepare_sleep(seat, limit)) return;
    }
    engine_.sleep(seat);
  }
  std::size_t collect() {
    const Lock lock(engine_.mutex());
    return engine_.collect();
  }

  Above above_;
  FakeTransport fake_;
  Engine engine_{{.clock = steady_clock(), .limits = {}, .log = [](int, std::string_view) {}},
                 above_};
};

TEST_F(EngineTest, OpensATransportOncePerScheme) {
  EXPECT_EQ(&open(), &open());
}

TEST_F(EngineTest, DoesNotSleepWhileATransportIsBusy) {
  open();
  fake_.arm_status = TT_E_BUSY;

  EXPECT_LT(sleep(), 20s);
  EXPECT_EQ(fake_.arms, 1);
}

TEST_F(EngineTest, DoesNotSleepWhileTheNodeHasWork) {
  open();
  above_.work = true;

  EXPECT_LT(sleep(), 20s);
  EXPECT_EQ(fake_.arms, 0);
}

TEST_F(EngineTest, SleepsNoLongerThanATransportAsksFor) {
  open();
  fake_.arm_deadline = static_cast<std::uint64_t>((engine_.now() + 5ms).count());

  const TimePoint slept = sleep();

  EXPECT_GE(slept, 4ms);
  EXPECT_LT(slept, 20s);
}

TEST_F(EngineTest, PollsATransportThatCannotWakeIt) {
  fake_.attributes.wait_flags = 0;
  open();

  EXPECT_LT(sleep(), 20s);
}

TEST_F(EngineTest, SleepsNoLongerThanUntilTheNextTimer) {
  Alarm alarm;
  {
    const std::lock_guard lock(engine_.mutex());
    engine_.arm_timer(alarm, engine_.now() + 5ms);
  }

  EXPECT_LT(sleep(), 20s);
  collect();

  EXPECT_EQ(alarm.rings, 1);
}

TEST_F(EngineTest, WakesForATimerThatIsArmedWhileItSleeps) {
  Alarm alarm;
  std::thread other([&] {
    const std::lock_guard lock(engine_.mutex());
    engine_.arm_timer(alarm, engine_.now() + 1ms);
  });

  const TimePoint start = engine_.now();
  while (alarm.rings == 0 && engine_.now() - start < 20s) {
    if (collect() == 0) rest_until(start + 20s);
  }
  other.join();

  EXPECT_LT(engine_.now() - start, 20s);
}

TEST_F(EngineTest, EndsItsSleepWhenWoken) {
  std::thread other([&] { engine_.wake(); });
  other.join();
  rest_until(engine_.now() + 1ms);  // the wake-up may have come before the sleep: no work then
  std::atomic<bool> slept{false};
  std::thread waker([&] {
    while (!slept.load()) {
      engine_.wake();
      std::this_thread::yield();
    }
  });

  const TimePoint duration = sleep();
  slept = true;
  waker.join();

  EXPECT_LT(duration, 20s);
}

TEST_F(EngineTest, GivesBuffersBackWhenItCollectsNext) {
  Transport& transport = open();
  fakes::FakeRx rx;
  Payload held;
  struct Keeper final : LinkEvents {
    explicit Keeper(Payload& p) : payload(p) {}
    void on_connected() override {}
    void on_packet(const wire::PacketView& packet, PacketSource& source) override {
      payload = source.keep(packet.first);
    }
    void on_sent(std::uint64_t, tt_status) override {}
    void on_writable() override {}
    void on_closed(tt_status, std::string_view) override {}
    Payload& payload;
  } keeper(held);
  ASSERT_TRUE(transport.connect("fake://b", keeper).has_value());
  rx.bytes.assign(10'000, 'z');
  fake_.packet(fake_.conns.front(), rx);
  collect();
  collect();
  EXPECT_EQ(rx.releases, 0);

  held = {};
  collect();

  EXPECT_EQ(rx.releases, 1);
}

TEST_F(EngineTest, ReportsABrokenTransportOnceAndAsksItNoMore) {
  open();
  fake_.broken = true;

  collect();
  collect();

  EXPECT_EQ(above_.failed, 1);
  EXPECT_TRUE(engine_.is_down());
}

TEST_F(EngineTest, HandsOutNoTransportThatIsBroken) {
  open();
  fake_.broken = true;
  collect();

  const std::lock_guard lock(engine_.mutex());
  const auto again = engine_.transport(fake_.plugin(), "fake");

  ASSERT_TRUE(again.has_error());
  EXPECT_TRUE(again.error().is(Errc::transport_failed));
  EXPECT_NE(again.error().text.find("'fake'"), std::string::npos) << again.error().text;
}

TEST_F(EngineTest, NamesTheTransportsThatItHadToLeak) {
  open();
  fake_.destroy_status = TT_E_BUSY;

  EXPECT_EQ(engine_.destroy_transports(), std::vector<std::string>{"fake"});
  static const tt_host* leaked_on_purpose;  // reachable, for leak checkers
  leaked_on_purpose = fake_.host;
  EXPECT_NE(leaked_on_purpose, nullptr);
}

TEST_F(EngineTest, EndsTheSleepOfOneSeatAndNotOfTheOther) {
  {
    const Lock lock(engine_.mutex());
    ASSERT_TRUE(engine_.prepare_sleep(Seat::thread));
    ASSERT_TRUE(engine_.prepare_sleep(Seat::caller, engine_.now() + 5ms));
    engine_.wake(Seat::thread);
  }
  const TimePoint start = engine_.now();

  engine_.sleep(Seat::thread);  // for ever, but for the wake-up
  engine_.sleep(Seat::caller);

  EXPECT_GE(engine_.now() - start, 4ms) << "the caller's seat was woken, too";
}

TEST_F(EngineTest, LooksAtTheClockOncePerTurn) {
  collect();
  const TimePoint first = engine_.recent_time();

  EXPECT_EQ(engine_.recent_time(), first);
  while (engine_.now() == first) {
  }
  collect();
  EXPECT_GT(engine_.recent_time(), first);
}

TEST_F(EngineTest, TakesTheTimeThatItsLeaderNotedForOneRound) {
  const TimePoint noted = engine_.now();
  {
    const Lock lock(engine_.mutex());
    engine_.note_time(noted);
  }
  collect();
  EXPECT_EQ(engine_.recent_time(), noted);
  while (engine_.now() == noted) {
  }

  collect();

  EXPECT_GT(engine_.recent_time(), noted);
}

TEST_F(EngineTest, KnowsWhetherTheKernelMayBringMore) {
  EXPECT_FALSE(engine_.waits_on_kernel());
  fake_.attributes.wait_flags = TT_WAIT_FD;
  open();
  EXPECT_TRUE(engine_.waits_on_kernel());
}

}  // namespace
}  // namespace trestle::engine
