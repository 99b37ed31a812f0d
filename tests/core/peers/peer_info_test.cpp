// Addresses of nodes as text and bytes, and what is said of those that cannot be read.
#include <gmock/gmock.h>
#include <trestle/peer_info.hpp>

#include <unordered_set>

namespace trestle {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const WorkerAddress several{"inproc://a", "unix:///run/a.sock", "tcp://[::1]:80"};
const PeerInfo peer{InstanceId::from_halves(1, 2), several, HostId::from_halves(3, 4)};

TEST(WorkerAddress, ComesBackFromTextAndBytes) {
  EXPECT_EQ(WorkerAddress::parse(several.text()).value(), several);
  EXPECT_EQ(WorkerAddress::from_bytes(as_bytes(several.bytes())).value(), several);
}

TEST(WorkerAddress, MayBeEmpty) {
  const WorkerAddress none;

  EXPECT_TRUE(none.is_empty());
  EXPECT_EQ(WorkerAddress::parse(none.text()).value(), none);
}

TEST(WorkerAddress, KeepsEachEndpointOnceAndInOrder) {
  const WorkerAddress address{"tcp://b:1", "tcp://a:1", "tcp://b:1"};

  EXPECT_THAT(address.endpoints(), ElementsAre("tcp://b:1", "tcp://a:1"));
}

TEST(WorkerAddress, NoticesEveryChangedByte) {
  const std::string bytes = several.bytes();

  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_TRUE(WorkerAddress::from_bytes(as_bytes(changed)).has_error()) << i;
  }
}

TEST(WorkerAddress, NoticesEveryMissingByte) {
  const std::string bytes = several.bytes();

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(WorkerAddress::from_bytes(as_bytes(bytes.substr(0, size))).has_error()) << size;
  }
}

TEST(WorkerAddress, SaysWhatCannotBeRead) {
  EXPECT_EQ(WorkerAddress::parse("tcp://127.0.0.1:1").error().text,
            "cannot read this address: 'tcp://127.0.0.1:1' does not begin with "
            "'trestle-address-'");
  EXPECT_THAT(WorkerAddress::parse("trestle-address-5x").error().text,
              HasSubstr("not pairs of hexadecimal digits"));
  EXPECT_THAT(WorkerAddress::from_bytes(as_bytes("TrA1")).error().text, HasSubstr("too few"));
  EXPECT_THAT(WorkerAddress::from_bytes(as_bytes("TrA1 but this is text")).error().text,
              HasSubstr("checksum does not fit"));
}

TEST(PeerInfo, ComesBackFromTextAndBytes) {
  EXPECT_EQ(PeerInfo::parse(peer.text()).value(), peer);
  EXPECT_EQ(PeerInfo::from_bytes(as_bytes(peer.bytes())).value(), peer);
}

TEST(PeerInfo, IsNoAddress) {
  EXPECT_THAT(PeerInfo::from_bytes(as_bytes(several.bytes())).error().text,
              HasSubstr("does not begin with 'TrP1'"));
}

TEST(PeerInfo, DiffersByEachPart) {
  PeerInfo other_id = peer, other_address = peer, other_host = peer;
  other_id.instance_id = InstanceId::from_halves(1, 3);
  other_address.address = {"tcp://a:1"};
  other_host.host = HostId();

  EXPECT_FALSE(peer == other_id || peer == other_address || peer == other_host);
  EXPECT_EQ((std::unordered_set<PeerInfo>{peer, peer, other_id, other_address}.size()), 3u);
}

}  // namespace
}  // namespace trestle
