// Peers that open calls only to cancel them, and that choose names to make look-ups slow.
#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include "siege.hpp"

namespace trestle::hostile {
namespace {

class CallFloods : public Siege {
 protected:
  CallFloods() : Siege({.workers = 6}) {}
};

INSTANTIATE_TEST_SUITE_P(Sockets, CallFloods, all_sockets(), scheme_of);

TEST_P(CallFloods, ThatAreCancelledAtOnceRunNoMoreHandlersThanMay) {
  constexpr int concurrency_max = 2;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  const auto run = [&](int) {
    const int now = ++running;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::yield();
    --running;
    return 0;
  };
  server_.add(unary("run", run, {.concurrency_max = concurrency_max})).value();
  const Stranger stranger(uri_);
  stranger.say(greeting());
  constexpr std::uint32_t pairs = 1000;  // in one packet
  const int packets = times(20, 1000);

  for (int round = 1; round <= packets; ++round) {
    wire::Buffer calls;
    wire::Buffer cancels;
    wire::begin_packet(calls);
    wire::begin_packet(cancels);
    // Each after its call, or all of them after all calls: in time, or while handlers run.
    wire::Buffer& after = round % 2 == 0 ? calls : cancels;
    for (std::uint32_t i = 0; i < pairs; ++i) {
      wire::Request call = request(i, i == 0 && round == 1 ? "run" : "");
      call.call = wire::CallId::make(i, static_cast<std::uint64_t>(round));
      call.codec = Codec::msgpack;
      call.payload = as_bytes("\1");
      wire::append(calls, call);
      wire::append(after, wire::Cancel{call.call});
    }
    const std::string bytes = framed(as_text(calls)) + framed(as_text(cancels));
    ASSERT_EQ(stranger.say(bytes), bytes.size()) << "round " << round;
    stranger.hear();
  }

  const std::uint64_t all = static_cast<std::uint64_t>(packets) * pairs;
  EXPECT_TRUE(comes_true([&] { return server_.counters().messages_received >= all; }));
  EXPECT_TRUE(comes_true([&] { return running == 0; }));
  EXPECT_GE(most, 1) << "all were cancelled in time";
  EXPECT_LE(most, concurrency_max) << "those that are cancelled and run count, too";
  EXPECT_EQ(server_.counters().protocol_errors, 0u);
  expect_bystander_was_served();
}

/// Names of 96 bytes that std::hash of libstdc++ takes for the same: it mixes eight bytes after the
/// other into its state, and what the top bit of one changes, that of the next one undoes.
std::vector<std::string> colliding_names() {
  constexpr std::uint64_t factor = 0xc6a4a7935bd1e995;
  std::uint64_t inverse = factor;
  for (int i = 0; i < 6; ++i) inverse *= 2 - factor * inverse;
  const auto block_that_mixes = [&](std::uint64_t value) {
    value *= inverse;
    value ^= value >> 47;
    value *= inverse;
    std::string bytes;
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  };
  std::vector<std::string> names;
  for (std::uint64_t bits = 0; bits < 64; ++bits) {
    std::string name;
    for (int pair = 0; pair < 6; ++pair) {
      const std::uint64_t top = (bits >> pair & 1) << 63;
      name += block_that_mixes((1000 + static_cast<std::uint64_t>(pair)) ^ top);
      name += block_that_mixes((2000 + static_cast<std::uint64_t>(pair)) ^ top);
    }
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> random_names() {
  std::mt19937_64 random(4711);
  std::vector<std::string> names(64, std::string(96, '\0'));
  for (std::string& name : names) {
    for (char& byte : name) byte = static_cast<char>(random());
  }
  return names;
}

TEST_P(CallFloods, OfNamesThatCollideAreLookedUpAsFastAsOthers) {
  const auto colliding = colliding_names();
  std::set<std::size_t> hashes;
  for (const std::string& name : colliding) hashes.insert(std::hash<std::string>()(name));
  ASSERT_EQ(hashes.size(), 1u) << "another standard library";
  ASSERT_EQ(std::set(colliding.begin(), colliding.end()).size(), 64u);
  const Stranger stranger(uri_);
  stranger.say(greeting());
  std::uint64_t asked = server_.counters().messages_refused;
  const auto time_of = [&](const std::vector<std::string>& names) {
    wire::Buffer packet;
    wire::begin_packet(packet);
    for (std::uint32_t i = 0; i < 640; ++i) {
      wire::Request call = request(i, names.at(i % names.size()));
      call.handler = 0;  // by its name each time
      call.mode = DeliveryMode::fire_and_forget;
      call.call = wire::CallId::make(wire::CallId::no_slot, 1);
      wire::append(packet, call);
    }
    const std::string bytes = framed(as_text(packet));
    const auto began = std::chrono::steady_clock::now();
    stranger.say(bytes);
    asked += 640;
    EXPECT_TRUE(comes_true([&] { return server_.counters().messages_refused >= asked; }));
    return std::chrono::steady_clock::now() - began;
  };

  auto fastest = std::chrono::steady_clock::duration::max();
  auto fastest_of_others = fastest;
  for (int i = 0; i < times(20, 1000); ++i) {
    fastest = std::min(fastest, time_of(colliding));
    fastest_of_others = std::min(fastest_of_others, time_of(random_names()));
  }

  // A machine that is busy with more tells nothing by a few.
  if (is_long()) {
    EXPECT_LE(fastest, 2 * fastest_of_others);
  }
  expect_bystander_was_served();
}

}  // namespace
}  // namespace trestle::hostile
