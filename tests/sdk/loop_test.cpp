// When a busy descriptor leaves the epoll set, and that nothing is missed for it.
#include <trestle/transport_kit/loop.hpp>

#include "counting_host.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>

namespace {

using namespace trestle::transport_kit;
using trestle::sdk::testing::CountingHost;

/// The reading end of a pipe. Counts the bytes that it was driven to read.
class Source final : public Pollable {
 public:
  explicit Source(Loop& loop) : loop_(loop) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    reading_ = FileDescriptor(ends[0]);
    writing_ = FileDescriptor(ends[1]);
    EXPECT_EQ(loop_.watch(fd(), *this, EPOLLIN), 0);
  }
  ~Source() override { loop_.forget(*this); }

  int fd() const { return reading_.get(); }
  void send() const { EXPECT_EQ(::write(writing_.get(), "x", 1), 1); }
  void work() override {
    read_all();
    if (forgets != nullptr) loop_.forget(*std::exchange(forgets, nullptr));
  }
  Guess guess() override {
    if (is_unsure) return Guess::unsure;
    return read_all() ? Guess::right : Guess::wrong;
  }

  int bytes = 0;
  bool is_unsure = false;
  bool fills_the_batch = false;
  Source* forgets = nullptr;

 private:
  bool read_all() {
    std::array<char, 64> some{};
    const auto count = ::read(reading_.get(), some.data(), some.size());
    if (count > 0) bytes += static_cast<int>(count);
    for (bool fills = count > 0 && fills_the_batch; fills && loop_.events().room() > 0;) {
      loop_.tell({nullptr, &user_}, TT_EV_WRITABLE);
    }
    return count > 0;
  }

  Loop& loop_;
  void* user_ = nullptr;
  FileDescriptor reading_;
  FileDescriptor writing_;
};

class BusyLoop : public testing::Test {
 protected:
  /// A host that polls, and finds something each time.
  void poll_busily() {
    for (int i = 0; i < 200; ++i) {
      source_.send();
      round();
    }
  }
  void round() {
    loop_->begin(events_);
    loop_->run();
    loop_->end();
  }
  /// Whether it would end the sleep of a host. Leaves what was sent.
  bool wakes(const Source& source) const {
    source.send();
    pollfd set{loop_->wait_fd(), POLLIN, 0};
    return ::poll(&set, 1, 0) == 1;
  }

  CountingHost host_;
  std::unique_ptr<Loop> loop_ = std::move(*Loop::create(host_.host()));
  std::array<tt_event, 8> events_{};
  Source source_{*loop_};
};

TEST_F(BusyLoop, LeavesTheSetWhileTheHostPolls) {
  poll_busily();

  EXPECT_FALSE(wakes(source_));
  round();
  EXPECT_EQ(source_.bytes, 201);
}

TEST_F(BusyLoop, StaysInTheSetOfAHostThatSleepsInBetween) {
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(loop_->arm().may_sleep);
    EXPECT_TRUE(wakes(source_));
    round();
  }
}

TEST_F(BusyLoop, WakesAHostThatSleepsAfterPolling) {
  poll_busily();

  EXPECT_TRUE(loop_->arm().may_sleep);

  EXPECT_TRUE(wakes(source_));
}

TEST_F(BusyLoop, KeepsAHostAwakeWithWhatCameWhileItPolled) {
  poll_busily();
  source_.send();

  EXPECT_TRUE(loop_->arm().may_sleep);

  pollfd set{loop_->wait_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&set, 1, 0), 1);
}

TEST_F(BusyLoop, HearsOthersAndIsNoExceptionThen) {
  Source other(*loop_);
  poll_busily();

  other.send();
  for (int i = 0; i < 20; ++i) round();

  EXPECT_EQ(other.bytes, 1);
  EXPECT_TRUE(wakes(source_));
}

TEST_F(BusyLoop, LeavesRoomInTheBatchesToOthersThatWait) {
  Source other(*loop_);
  loop_->unwatch(other.fd());
  poll_busily();
  source_.fills_the_batch = true;

  other.send();
  loop_->enqueue(other);
  for (int i = 0; i < 40; ++i) {
    source_.send();
    round();
  }

  EXPECT_EQ(other.bytes, 1);
}

TEST_F(BusyLoop, DoesNotDriveWhoIsForgottenInTheSameRound) {
  Source other(*loop_);
  source_.forgets = &other;
  loop_->enqueue(source_);
  loop_->enqueue(other);
  source_.send();
  other.send();

  round();

  EXPECT_EQ(source_.bytes, 1);
  EXPECT_EQ(other.bytes, 0);
  round();
  EXPECT_EQ(other.bytes, 1) << "it is watched still";
}

TEST_F(BusyLoop, IsBackInTheSetWhereItCannotBeTried) {
  poll_busily();
  source_.is_unsure = true;

  round();

  EXPECT_TRUE(wakes(source_));
  round();
  EXPECT_EQ(source_.bytes, 201) << "as epoll reported it";
}

TEST_F(BusyLoop, KnowsWhichEventsAreOfInterest) {
  poll_busily();

  loop_->change(source_.fd(), source_, 0);
  EXPECT_FALSE(wakes(source_));
  loop_->change(source_.fd(), source_, EPOLLIN);

  EXPECT_TRUE(wakes(source_));
}

TEST_F(BusyLoop, StaysWatchedWhenItIsForgotten) {
  poll_busily();

  loop_->forget(source_);

  EXPECT_TRUE(wakes(source_));
}

TEST_F(BusyLoop, IsNotPutBackOnceItIsWatchedNoMore) {
  poll_busily();

  loop_->unwatch(source_.fd());

  EXPECT_TRUE(loop_->arm().may_sleep);
  EXPECT_FALSE(wakes(source_));
}

}  // namespace
