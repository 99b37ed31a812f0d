// Several threads on a connection: nothing is lost, nothing is doubled, and nobody sleeps too long.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "driven_transport.hpp"

namespace trestle::inproc::testing {
namespace {

constexpr std::size_t senders = 3;
constexpr std::uint32_t packets_each = 3000;

struct Stamp {
  std::uint32_t sender;
  std::uint32_t number;
};

/// From small ones to those that are lent.
std::string stamped(Stamp stamp) {
  constexpr std::size_t sizes[] = {8, 64, 300, 4096, 4097, 9000};
  std::string bytes(sizes[stamp.number % std::size(sizes)], 'x');
  std::memcpy(bytes.data(), &stamp, sizeof(stamp));
  return bytes;
}

/// Sends with back-pressure. Lent bytes live until the end of the test.
void send_all(Pair& pair, std::uint32_t sender, std::vector<std::string>& lent) {
  lent.reserve(packets_each);
  for (std::uint32_t number = 0; number < packets_each; ++number) {
    const std::string& bytes = lent.emplace_back(stamped({sender, number}));
    const std::uint32_t flags = number % 5 == 0 ? TT_SEND_COPY : 0;
    tt_status status = TT_E_AGAIN;
    while (status == TT_E_AGAIN) {
      status = pair.sender.send(pair.out, bytes, flags);
      if (status == TT_E_AGAIN) std::this_thread::yield();
    }
    ASSERT_GE(status, TT_OK);
  }
}

struct Seen {
  std::map<std::uint32_t, std::uint32_t> next;  ///< by sender
  std::uint32_t packets = 0;
  std::uint32_t out_of_order = 0;
};

void take(DrivenTransport& receiver, const tt_event& event, Seen& seen) {
  if (event.kind != TT_EV_PACKET) return;
  Stamp stamp{};
  std::memcpy(&stamp, event.data, sizeof(stamp));
  if (seen.next[stamp.sender]++ != stamp.number) ++seen.out_of_order;
  if (event.len != stamped(stamp).size()) ++seen.out_of_order;
  ++seen.packets;
  if (event.rx != nullptr) receiver.release(event.rx);
}

enum class Waiting { sleep, poll };

class InprocThreads : public ::testing::TestWithParam<Waiting> {};

TEST_P(InprocThreads, EveryPacketOfEverySenderArrivesInOrder) {
  Pair pair(50'000);
  std::vector<std::vector<std::string>> lent(senders);
  std::atomic<bool> done = false;
  Seen seen;

  std::thread receiving([&] {
    while (seen.packets < senders * packets_each) {
      const auto batch = pair.receiver.progress();
      for (const tt_event& event : batch) take(pair.receiver, event, seen);
      if (!batch.empty()) continue;
      GetParam() == Waiting::sleep ? pair.receiver.sleep() : std::this_thread::yield();
    }
  });
  std::thread leading([&] {  // the sender's own events: SENT and WRITABLE
    while (!done) {
      if (pair.sender.progress().empty()) std::this_thread::yield();
    }
  });
  std::vector<std::thread> sending;
  for (std::uint32_t sender = 0; sender < senders; ++sender) {
    sending.emplace_back([&pair, &lent, sender] { send_all(pair, sender, lent[sender]); });
  }
  for (std::thread& thread : sending) thread.join();
  receiving.join();
  done = true;
  leading.join();

  EXPECT_EQ(seen.packets, senders * packets_each);
  EXPECT_EQ(seen.out_of_order, 0u);
}

INSTANTIATE_TEST_SUITE_P(ReceiversThat, InprocThreads,
                         ::testing::Values(Waiting::sleep, Waiting::poll), [](const auto& waiting) {
                           return waiting.param == Waiting::sleep ? "Sleep" : "Poll";
                         });

TEST(InprocThreads, TwoThatTakeTurnsAndSleepLoseNoWakeUp) {
  constexpr int rounds = 20'000;
  Pair pair;
  const auto play = [](DrivenTransport& mine, tt_conn* conn, int first) {
    for (int round = first; round < rounds;) {
      const auto batch = mine.progress();
      if (batch.empty()) mine.sleep();
      for (const tt_event& event : batch) {
        if (event.kind != TT_EV_PACKET) continue;
        ++round;
        mine.send(conn, "your turn");
      }
    }
  };

  std::thread other([&] { play(pair.receiver, pair.in, 0); });
  pair.sender.send(pair.out, "your turn");
  play(pair.sender, pair.out, 0);
  other.join();

  SUCCEED() << "neither waited for ever";
}

TEST(InprocThreads, AnEndClosedFromBothSidesInMidStreamEndsOnceOnEach) {
  for (int round = 0; round < 200; ++round) {
    Pair pair(50'000);
    const std::string large(9000, 'x');
    const std::uint32_t flags = round % 2 == 0 ? TT_CLOSE_ABORT : 0;
    const auto end = [](DrivenTransport& mine, tt_conn* conn) {
      int closed = 0;
      while (closed == 0) {
        for (const tt_event& event : mine.progress()) {
          if (event.kind == TT_EV_PACKET && event.rx != nullptr) mine.release(event.rx);
          if (event.kind == TT_EV_CLOSED) ++closed;
        }
      }
      for (const tt_event& event : mine.progress()) closed += event.conn == conn ? 1 : 0;
      mine.free(conn);
      return closed;
    };

    std::thread other([&] {
      for (int i = 0; i < 5; ++i) pair.receiver.send(pair.in, large);
      pair.receiver.close(pair.in, flags);
      EXPECT_EQ(end(pair.receiver, pair.in), 1);
    });
    std::thread sending([&] {
      while (pair.sender.send(pair.out, large) != TT_E_CLOSED) pair.sender.send(pair.out, "small");
    });
    sending.join();
    pair.sender.close(pair.out, flags);
    EXPECT_EQ(end(pair.sender, pair.out), 1);
    other.join();
  }
}

}  // namespace
}  // namespace trestle::inproc::testing
