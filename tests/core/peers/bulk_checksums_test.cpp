// Checksums of payloads that the peer reads out of memory, which are in no packet.
#include <gtest/gtest.h>

#include "connection_rig.hpp"
#include "wire/checksum.hpp"

namespace trestle::peers {
namespace {

class BulkChecksums : public ConnectionRig {
 protected:
  BulkChecksums() : ConnectionRig(Extensions::bulk) {
    peer_features_ =
        wire::feature::bulk | wire::feature::checksums | wire::feature::wants_checksums;
  }

  static std::string summed(const wire::Pull& pull) {
    wire::Buffer packet;
    wire::begin_packet(packet, wire::PacketStyle::summed);
    wire::append(packet, pull);
    wire::put_checksum(packet.data(), wire::PacketSum(packet.view()).value());
    return std::string(as_text(packet.view()));
  }

  /// The peer announces a request with these bytes.
  void receive_pull(const std::string& payload, std::optional<std::uint32_t> sum) {
    const wire::Request request{.handler = 1, .handler_name = "h", .payload = as_bytes(payload)};
    wire::Buffer head;
    wire::append_without_payload(head, request);
    receive(summed({.lease = 1,
                    .frame = {head.data(), head.size()},
                    .payload_bytes = payload.size(),
                    .payload_sum = sum}));
  }
  /// And this is what is read.
  void finish_get(fakes::FakeRx& rx) {
    fake_.bulk(conn(), conn().bulk.gets.at(0).op, TT_OK, &rx);
    turn();
  }

  const std::string payload_ = std::string(5000, 'p');
  const std::uint32_t sum_ = wire::payload_sum(as_bytes(payload_));
};

TEST_F(BulkChecksums, AreToldWithWhatIsLent) {
  const auto connection = open();
  ASSERT_TRUE(connection
                  ->send_request({"h",
                                  DeliveryMode::fire_and_forget,
                                  {Codec::bytes, Payload::copy(as_bytes(payload_))}},
                                 nullptr)
                  .has_value());
  flush();

  wire::PacketReader reader(as_bytes(conn().sent.back().bytes), 4096);
  const auto frame = reader.next();

  EXPECT_EQ(std::get<wire::Pull>(**frame).payload_sum, sum_);
}

TEST_F(BulkChecksums, LetGoodPayloadsPass) {
  open();
  fakes::FakeRx rx{.bytes = payload_};
  receive_pull(payload_, sum_);

  finish_get(rx);

  EXPECT_EQ(requests_, "h(pppppppp) ");
  EXPECT_EQ(damage_, "");
}

TEST_F(BulkChecksums, EndTheConnectionOfADamagedPayloadAsALoss) {
  const auto connection = open();
  fakes::FakeRx rx{.bytes = payload_};
  rx.bytes[2000] = 'q';
  receive_pull(payload_, sum_);

  finish_get(rx);

  EXPECT_EQ(requests_, "");
  EXPECT_NE(damage_.find("a payload of 5000 bytes"), std::string::npos) << damage_;
  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  EXPECT_EQ(rx.releases, 1);
  EXPECT_TRUE(connection->is_lost()) << "so that it is dialled again";
}

TEST_F(BulkChecksums, MustBeThereWherePacketsHaveThem) {
  open();

  receive_pull(payload_, std::nullopt);

  EXPECT_TRUE(conn().bulk.gets.empty());
  EXPECT_NE(violations_.find("without a checksum"), std::string::npos) << violations_;
}

}  // namespace
}  // namespace trestle::peers
