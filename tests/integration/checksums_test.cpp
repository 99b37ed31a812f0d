// Damage on the way: no handler ever sees it, and nobody beside it notices.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include "trestle/test_support/damaging_proxy.hpp"
#include "trestle/test_support/raw_peer.hpp"
#include "wire/checksum.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using test_support::DamagingProxy;
using test_support::RawPeer;
using ::testing::HasSubstr;
using testing::TestNetwork;
using Way = DamagingProxy::Way;

NodeOptions options(Checksum checksum) {
  NodeOptions options;
  options.checksum = checksum;
  options.heartbeat = 0s;
  options.reconnect_window = 20s;
  options.redial_delay_min = 1ms;
  options.redial_delay_max = 1ms;
  options.log_interval = 0s;
  options.log = [](LogLevel, std::string_view) {};
  return options;
}

/// What is to be done to one packet that comes.
struct Hit {
  Way way = Way::to_server;
  std::size_t bit = 0;
};

/// A server that notes what it gets, a client, and the proxy between them.
class Damage : public ::testing::Test {
 protected:
  explicit Damage(Checksum checksum = Checksum::automatic)
      : server_(options(checksum)), client_(options(checksum)) {
    server_
        .add(unary("echo",
                   [this](const std::string& text) {
                     const std::lock_guard lock(mutex_);
                     seen_.insert(text);
                     return text;
                   },
                   {Execution::inline_}))
        .value();
  }

  void change(Way way, std::size_t number, std::string& packet) {
    if (number == 0 || !armed_.load() || hit_.way != way) return;
    armed_ = false;
    packet_bits_ = 8 * packet.size();
    if (hit_.bit < packet_bits_) {
      packet[hit_.bit / 8] = static_cast<char>(packet[hit_.bit / 8] ^ (1 << hit_.bit % 8));
    }
  }

  /// One call, one of whose packets is damaged. False once that packet has not so many bits.
  bool hit(const Hit& hit) {
    hit_ = hit;
    armed_ = true;
    last_ = peer_.call<std::string>("echo", text_);
    return hit.bit < packet_bits_;
  }

  const std::string text_ = "what was sent";
  std::mutex mutex_;
  std::set<std::string> seen_;
  Node server_;
  Node client_;
  const std::string uri_ = server_.listen("tcp://127.0.0.1:0").value();
  Hit hit_;
  std::atomic<bool> armed_{false};
  std::atomic<std::size_t> packet_bits_{0};
  DamagingProxy proxy_{uri_, [this](Way way, std::size_t number, std::string& packet) {
                         change(way, number, packet);
                       }};
  Peer peer_ = client_.connect(proxy_.uri()).value();
  Result<std::string> last_ = std::string();
};

TEST_F(Damage, OfAnyBitOfARequestReachesNoHandler) {
  Node another(options(Checksum::automatic));
  const Peer bystander = another.connect(uri_).value();
  ASSERT_EQ(peer_.call<std::string>("echo", text_).value(), text_);
  std::size_t bit = 0;
  for (; hit({Way::to_server, bit}); bit += 3) {
    ASSERT_TRUE(last_.has_error()) << "bit " << bit;
    EXPECT_TRUE(last_.error().is(Errc::connection_lost)) << last_.error();
    EXPECT_EQ(bystander.call<std::string>("echo", text_).value(), text_);
  }

  EXPECT_GT(bit, 8u * 60);
  EXPECT_EQ(seen_, std::set{text_});
  EXPECT_EQ(last_.value(), text_) << "and it was dialled again";
}

TEST_F(Damage, OfAnyBitOfAReplyReachesNoCaller) {
  std::size_t bit = 0;
  for (; hit({Way::to_client, bit}); bit += 3) {
    ASSERT_TRUE(last_.has_error()) << "bit " << bit;
    EXPECT_TRUE(last_.error().is(Errc::connection_lost)) << last_.error();
    EXPECT_EQ(last_.error().ran, Ran::maybe);
  }

  EXPECT_GT(bit, 8u * 40);
  EXPECT_GT(client_.counters().packets_damaged, 0u);
}

TEST_F(Damage, IsNamedAndCounted) {
  hit({Way::to_server, 8 * 30});

  EXPECT_EQ(peer_.call<std::string>("echo", text_).value(), text_);
  EXPECT_EQ(server_.counters().packets_damaged, 1u);
  EXPECT_EQ(server_.statistics().packets_damaged, 1u);
  EXPECT_EQ(server_.counters().protocol_errors, 0u);
}

class DamageUnseen : public Damage {
 protected:
  DamageUnseen() : Damage(Checksum::off) {}
};

TEST_F(DamageUnseen, WithoutChecksumsArrives) {
  ASSERT_EQ(peer_.call<std::string>("echo", text_).value(), text_);
  ASSERT_FALSE(hit({Way::to_server, SIZE_MAX}));  // tells how long the packet is

  ASSERT_TRUE(hit({Way::to_server, packet_bits_ - 8}));

  EXPECT_EQ(last_.value(), "what was senu") << "or else the proxy damages nothing";
  EXPECT_EQ(seen_.size(), 2u);
}

// ---- Who gets them ----

class Asking : public ::testing::Test {
 protected:
  /// What the last packet was like that a node sent, after it was asked something.
  bool gets_checksums(const std::string& uri, std::uint64_t features) {
    RawPeer raw(network.driver(), uri);
    wire::Hello hello;
    hello.instance = InstanceId::from_halves(7, ++peers);
    hello.incarnation = 1;
    hello.connection = 1;
    hello.frame_bytes_max = 1u << 26;
    hello.features = features;
    raw.send(hello);
    wire::Buffer packet;
    const bool summed = features != 0;
    wire::begin_packet(packet, summed ? wire::PacketStyle::summed : wire::PacketStyle::plain);
    wire::append(packet, wire::Ping{5});
    if (summed) wire::put_checksum(packet.data(), wire::PacketSum(packet.view()).value());
    raw.send_bytes(packet.view());
    EXPECT_EQ(raw.take<wire::Pong>().size(), 1u);
    return wire::has_checksum(raw.last_packet());
  }

  TestNetwork network;
  std::uint64_t peers = 0;
};

TEST_F(Asking, PeersThatDoNotKnowChecksumsAreServedWithoutThem) {
  Node& node = network.add_node({.checksum = Checksum::on});
  const std::string uri = node.listen("inproc://*").value();

  EXPECT_FALSE(gets_checksums(uri, 0));
  EXPECT_TRUE(gets_checksums(uri, wire::feature::checksums));
}

TEST_F(Asking, InprocDoesNotUnlessToldTo) {
  Node& node = network.add_node();
  const std::string uri = node.listen("inproc://*").value();
  constexpr std::uint64_t knows = wire::feature::checksums;

  EXPECT_FALSE(gets_checksums(uri, knows));
  EXPECT_TRUE(gets_checksums(uri, knows | wire::feature::wants_checksums));
  EXPECT_TRUE(gets_checksums(node.listen("inproc://other?checksum=on").value(), knows));
  EXPECT_FALSE(gets_checksums(node.listen("inproc://third?checksum=off").value(), knows));
}

TEST_F(Asking, AnOptionThatIsNoneIsRefused) {
  const auto refused = network.add_node().listen("inproc://*?checksum=maybe");

  ASSERT_TRUE(refused.has_error());
  EXPECT_TRUE(refused.error().is(Errc::bad_endpoint));
  EXPECT_THAT(refused.error().text, HasSubstr("checksum=maybe"));
}

}  // namespace
}  // namespace trestle
