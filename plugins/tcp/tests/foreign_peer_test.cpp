// Peers that speak something else, lie about lengths, or die: refused by text, others unharmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <trestle/transport_kit/packet_framing.hpp>

#include <chrono>
#include <string>

#include "driven_transport.hpp"
#include "raw_socket.hpp"

namespace trestle::tcp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string preamble() {
  const auto& bytes = transport_kit::stream_preamble;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string header(std::uint32_t length) {
  const auto bytes = transport_kit::packet_header(length);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ForeignPeer : public ::testing::Test {
 protected:
  /// A raw peer says `bytes`; the connection that it makes.
  Seen& after(const RawSocket& raw, const std::string& bytes) {
    raw.say(bytes);
    drive(
        {&server}, [&] { return !server.accepted.empty(); }, "ACCEPTED");
    return *server.accepted.back();
  }
  Seen& closed_after(const RawSocket& raw, const std::string& bytes) {
    Seen& conn = after(raw, bytes);
    drive(
        {&server}, [&] { return conn.closed == 1; }, "CLOSED");
    return conn;
  }

  DrivenTransport server{{.packet_bytes_max = 1 << 20}};
  std::string uri = server.uri(server.listen("tcp://127.0.0.1:0").value);
  RawSocket peer = RawSocket::to_port(port_in(uri));
};

TEST_F(ForeignPeer, HttpIsRefusedAtOnceAndTheNextPeerServed) {
  const Seen& conn = closed_after(peer, "GET / HTTP/1.1\r\n\r\n");

  EXPECT_EQ(conn.status, TT_E_PROTOCOL);
  EXPECT_THAT(conn.text, HasSubstr("begins with \"GET / HTTP/1.1"));
  peer.hear_all();
  DrivenTransport client({});
  Seen* good = client.connect(uri).value;
  drive(
      {&server, &client}, [&] { return good->up == 1 && server.accepted.size() == 2; },
      "a good connection");
}

TEST_F(ForeignPeer, TlsIsRefusedByItsFirstByte) {
  const Seen& conn = closed_after(peer, "\x16");

  EXPECT_EQ(conn.status, TT_E_PROTOCOL);
  EXPECT_THAT(conn.text, HasSubstr("\\x16"));
}

TEST_F(ForeignPeer, AnAnnouncedLengthAboveTheLimitIsRefused) {
  const Seen& conn = closed_after(peer, preamble() + header((1 << 20) + 1));

  EXPECT_EQ(conn.status, TT_E_TOOBIG);
  EXPECT_THAT(conn.text, HasSubstr("the limit is 1048576"));
}

TEST_F(ForeignPeer, AStreamThatEndsWithoutAGoodbyeIsALoss) {
  {
    const RawSocket dying = std::move(peer);
    Seen& conn = after(dying, preamble() + header(2) + "ok" + header(10) + "half");
    drive(
        {&server}, [&] { return conn.packets.size() == 1; }, "packet");
  }
  Seen& conn = *server.accepted.back();
  drive(
      {&server}, [&] { return conn.closed == 1; }, "CLOSED");

  EXPECT_THAT(conn.packets, ElementsAre("ok"));
  EXPECT_EQ(conn.status, TT_E_RESET);
  EXPECT_THAT(conn.text, HasSubstr("without a goodbye"));
}

TEST_F(ForeignPeer, AGoodbyeIsAnOrderlyClose) {
  const Seen& conn =
      closed_after(peer, preamble() + header(2) + "ok" + header(transport_kit::goodbye_length));

  EXPECT_THAT(conn.packets, ElementsAre("ok"));
  EXPECT_EQ(conn.status, TT_E_CLOSED);
}

TEST_F(ForeignPeer, BytesAfterTheGoodbyeAreAViolation) {
  const Seen& conn =
      closed_after(peer, preamble() + header(transport_kit::goodbye_length) + header(0));

  EXPECT_EQ(conn.status, TT_E_PROTOCOL);
}

TEST_F(ForeignPeer, OneBytePerReadIsUnderstood) {
  const std::string stream = preamble() + header(3) + "abc" + header(0);
  for (const char c : stream) {
    peer.say({&c, 1});
    server.step();
  }
  drive(
      {&server}, [&] { return !server.accepted.empty(); }, "ACCEPTED");
  drive(
      {&server}, [&] { return server.accepted[0]->packets.size() == 2; }, "packets");

  EXPECT_THAT(server.accepted[0]->packets, ElementsAre("abc", ""));
}

TEST_F(ForeignPeer, APacketThatDoesNotGoOnEndsItsConnection) {
  Seen& conn = after(peer, preamble() + header(100'000) + "some");
  const auto pass = [&](std::chrono::seconds time) {
    server.advance(time);
    for (int i = 0; i < 3; ++i) server.step();
  };
  pass(0s);
  pass(29s);
  EXPECT_EQ(conn.closed, 0);
  peer.say("a byte now and then");
  pass(2s);
  EXPECT_EQ(conn.closed, 0) << "what has come meanwhile is read first";
  pass(5s);

  EXPECT_EQ(conn.closed, 1);
  EXPECT_EQ(conn.status, TT_E_RESET);
  EXPECT_THAT(conn.text, HasSubstr("19 bytes came within stall_timeout, at least 65536"));
}

TEST_F(ForeignPeer, APacketThatGoesOnMayTakeItsTime) {
  Seen& conn = after(peer, preamble() + header(300'000));
  for (int i = 0; i < 4; ++i) {
    peer.say(std::string(70'000, 'x'));
    for (int steps = 0; steps < 10; ++steps) server.step();
    server.advance(31s);
    server.step();
    EXPECT_EQ(conn.closed, 0) << i;
  }
}

TEST_F(ForeignPeer, OurClosePutsAGoodbyeOnTheWire) {
  Seen& conn = after(peer, preamble());
  server.send(conn, "bye");
  server.close(conn);
  server.step();

  peer.shut_down_writing();
  EXPECT_EQ(peer.hear_all(),
            preamble() + header(3) + "bye" + header(transport_kit::goodbye_length));
  drive(
      {&server}, [&] { return conn.closed == 1; }, "CLOSED");
}

TEST(ForeignListener, AServerOfAnotherProtocolIsRefusedByTheClient) {
  const RawSocket listening = RawSocket::listening();
  DrivenTransport client({});
  Seen* conn = client.connect("tcp://127.0.0.1:" + std::to_string(listening.port())).value;
  drive(
      {&client}, [&] { return conn->up == 1; }, "CONNECTED");

  listening.accept().say("SSH-2.0-OpenSSH_9.2\r\n");
  drive(
      {&client}, [&] { return conn->closed == 1; }, "CLOSED");

  EXPECT_EQ(conn->status, TT_E_PROTOCOL);
  EXPECT_THAT(conn->text, HasSubstr("SSH-2.0"));
}

}  // namespace
}  // namespace trestle::tcp::testing
