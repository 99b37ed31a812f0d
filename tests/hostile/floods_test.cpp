// Peers that said who they are and then send too much: of frames, names, cancels, memory.
#include <array>
#include <future>
#include <numeric>

#include "platform/sanitizers.hpp"
#include "siege.hpp"

namespace trestle::hostile {
namespace {

class Floods : public Siege {
 protected:
  Floods()
      : Floods(NodeOptions{.message_bytes_max = 8u << 20,
                           .queue_bytes_max = 8u << 20,
                           .unsent_bytes_max = 20u << 20}) {}
  explicit Floods(NodeOptions options) : Siege(std::move(options)) {}

  /// Strangers that greeted, each as another node.
  std::vector<Stranger> greeted(std::size_t count) {
    std::vector<Stranger> strangers;
    for (std::size_t i = 0; i < count; ++i) {
      strangers.emplace_back(uri_).say(greeting(100 + i));
    }
    return strangers;
  }
  std::atomic<std::size_t> given_{0};  // answers

  /// All of them say it at the same time.
  void all_say(std::vector<Stranger>& strangers, const std::string& bytes) {
    std::vector<std::future<std::size_t>> saying;
    for (Stranger& stranger : strangers) {
      saying.push_back(std::async(std::launch::async, [&] { return stranger.say(bytes); }));
    }
    for (auto& one : saying) one.get();
  }
};

INSTANTIATE_TEST_SUITE_P(Sockets, Floods, all_sockets(), scheme_of);

/// Many requests in one packet, none of which expects an outcome.
std::string train(std::size_t frames) {
  wire::Buffer packet;
  wire::begin_packet(packet);
  wire::Request message = request(1, "nobody");
  message.mode = DeliveryMode::fire_and_forget;
  message.call = wire::CallId::make(wire::CallId::no_slot, 1);
  for (std::size_t i = 0; i < frames; ++i) {
    wire::append(packet, message);
    message.handler_name = {};
  }
  return framed(as_text(packet));
}

TEST_P(Floods, OfTinyFramesInLargePacketsKeepNobodyWaiting) {
  auto strangers = greeted(4);
  const std::string flood = train(200'000);

  auto saying = std::async(std::launch::async, [&] { all_say(strangers, flood); });
  EXPECT_TRUE(comes_true([&] { return server_.counters().messages_refused > 0; }));
  const int before = bystander_->calls();
  EXPECT_TRUE(comes_true([&] { return server_.counters().messages_refused >= 800'000; }));
  const int meanwhile = bystander_->calls() - before;
  saying.get();

  EXPECT_GE(meanwhile, 15) << "a whole packet at a time, there are few turns for the bystander";
  expect_bystander_was_served();
}

TEST_P(Floods, OfPacketsThatNeverEndHoldABoundedMemory) {
  // Eight of the largest packets, for all: 60 that had nearly come would be as many as that.
  auto strangers = greeted(60);
  const std::string nearly = announced(8u << 20) + std::string(3u << 20, 'x');

  all_say(strangers, nearly);

  // Each has got four megabytes for its three, of eight times eight and a bit.
  EXPECT_TRUE(comes_true([&] {
    std::erase_if(strangers, [](const Stranger& one) { return one.is_dropped(1ms); });
    return strangers.size() <= 16;
  })) << strangers.size();
  EXPECT_GE(strangers.size(), 12u) << "no more are given up than must be";
  expect_bystander_was_served();
}

TEST_P(Floods, OfCancelsEndNothingButTheirCalls) {
  auto strangers = greeted(2);
  wire::Buffer packet;
  wire::begin_packet(packet);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    wire::append(packet, request(i, i == 0 ? "echo" : ""));
    wire::append(packet, wire::Cancel{wire::CallId::make(i, 1)});
    wire::append(packet, wire::Cancel{wire::CallId::make(i, 99)});
  }
  const std::string first = framed(as_text(packet));
  packet = {};
  wire::begin_packet(packet);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    wire::append(packet, wire::Cancel{wire::CallId::make(i % 1000, 1 + i / 1000)});
  }
  const std::string more = framed(as_text(packet));

  all_say(strangers, first);
  for (int i = 0; i < 4; ++i) all_say(strangers, more);

  EXPECT_EQ(server_.counters().protocol_errors, 0u);
  expect_bystander_was_served();
}

/// They are in no table that is hashed, so that none can collide: a number stands for each.
TEST_P(Floods, OfHandlerNamesEndAtTheirLimit) {
  auto strangers = greeted(2);
  wire::Buffer packet;
  wire::begin_packet(packet);
  constexpr std::uint32_t names = 4096;
  std::vector<std::string> made(names + 1);
  for (std::uint32_t i = 0; i <= names; ++i) {
    made[i] = "name " + std::to_string(i);
    wire::Request message = request(i, made[i]);
    message.handler = i + 1;
    wire::append(packet, message);
  }
  all_say(strangers, framed(as_text(packet)));

  EXPECT_TRUE(comes_true([&] { return server_.counters().protocol_errors == 2; }))
      << "one name more than a connection may give";
  for (const Stranger& stranger : strangers) EXPECT_TRUE(stranger.is_dropped(10s));
  expect_bystander_was_served();
}

TEST_P(Floods, OfHeadersAreRefusedAtTheirLimit) {
  std::string header;
  for (int i = 0; i < 6000; ++i) {
    const std::string name = std::to_string(i);
    header += std::string("\2\0", 2);
    header += static_cast<char>(name.size() + 1);
    header += '\0';
    header += static_cast<char>(name.size());
    header += name;
  }
  const auto strangers = greeted(1);
  wire::Buffer packet;
  wire::begin_packet(packet);
  wire::append(packet, request(1, "echo"));
  std::string bytes(as_text(packet));
  // The frame's header grows by all these blocks.
  const std::size_t frame_bytes = bytes.size() - 8 + header.size();
  const std::size_t header_bytes = frame_bytes - 8;
  ASSERT_LT(header_bytes, 65536u);
  bytes.replace(8, 4, announced(static_cast<std::uint32_t>(frame_bytes)));
  bytes[14] = static_cast<char>(header_bytes);
  bytes[15] = static_cast<char>(header_bytes >> 8);

  strangers[0].say(framed(bytes + header));

  EXPECT_THAT(strangers[0].hear(200ms), ::testing::HasSubstr("128"));
  expect_bystander_was_served();
}

struct Branch {
  std::vector<Branch> twigs;
};
BOOST_DESCRIBE_STRUCT(Branch, (), (twigs))

/// Payloads that ask for more than they bring.
TEST_P(Floods, OfNestedOrHugeValuesAreUndecodable) {
  server_.add(unary("sum", [](const std::vector<int>& all) { return all.size(); })).value();
  server_.add(unary("tree", [](const Branch& root) { return root.twigs.size(); })).value();
  Node client;
  const Peer peer = client.connect(uri_).value().with_timeout(5s);
  std::string nested;
  for (int i = 0; i < 1'000'000; ++i) nested += "\x81\xA5twigs\x91";
  const std::array<std::pair<const char*, std::string>, 4> bombs{{
      {"sum", "\xDD\xFF\xFF\xFF\xFF"},                   // an array of 2^32 - 1
      {"sum", std::string(1'000'000, '\x91') + '\x01'},  // arrays in arrays
      {"tree", nested + std::string("\x80", 1)},         // maps in arrays in maps
      {"tree", "\xDF\xFF\xFF\xFF\xFF\xA5twigs\x90"},     // a map of 2^32 - 1
  }};
  for (const auto& [handler, bomb] : bombs) {
    const auto outcome =
        peer.call<Payload>(handler, Encoded{Codec::msgpack, Payload::copy(bomb), {}});

    ASSERT_TRUE(outcome.has_error()) << handler;
    EXPECT_TRUE(outcome.error().is(Errc::undecodable)) << outcome.error();
  }
  expect_bystander_was_served();
}

TEST_P(Floods, OfRepliesThatNobodyReadsAreBoundedOverAll) {
  const auto give_much = [this] {
    ++given_;
    return std::string(100'000, 'x');
  };
  server_.add(unary("much", give_much, {Execution::inline_})).value();
  auto strangers = greeted(20);
  wire::Buffer packet;
  wire::begin_packet(packet);
  for (std::uint32_t i = 0; i < 100; ++i) wire::append(packet, request(i, i == 0 ? "much" : ""));

  const double before = heap_bytes();
  all_say(strangers, framed(as_text(packet)));
  EXPECT_TRUE(comes_true([&] { return server_.counters().messages_received >= 20 * 100; }));

  // 20 MiB, what the transport has of each connection, and what the strangers would say.
  const double bytes_max = platform::sanitized ? 1e9 : 100 << 20;
  EXPECT_LT(heap_bytes() - before, bytes_max) << given_ << " were given";
  expect_bystander_was_served();
}

TEST_P(Floods, OfConnectionsThatAreResetLeaveNothing) {
  const std::size_t before = descriptors();
  const int count = times(2000, 100'000);
  for (int i = 0; i < count; ++i) {
    Stranger stranger(uri_);
    ASSERT_TRUE(stranger.is_connected()) << i;
    if (i % 3 == 1) stranger.say(preamble());
    if (i % 3 == 2) stranger.say(greeting());
    stranger.reset();
  }

  EXPECT_TRUE(comes_true([&] { return server_.counters().connections == 1; }));
  EXPECT_TRUE(comes_true([&] { return descriptors() <= before; })) << descriptors() - before;
  expect_bystander_was_served();
}

}  // namespace
}  // namespace trestle::hostile
