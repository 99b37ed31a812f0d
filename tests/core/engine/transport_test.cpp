// The engine's side of the plugin tables.
#include "engine/transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "fakes/fake_transport.hpp"

namespace trestle::engine {
namespace {

using fakes::FakeConn;
using fakes::FakeRx;
using fakes::FakeTransport;

/// Notes what a connection is told.
struct Link final : LinkEvents {
  void on_connected() override { said += "connected "; }
  void on_packet(const wire::PacketView& packet, PacketSource& source) override {
    const BytesView bytes = packet.first;
    said += "packet ";
    last.assign(as_text(bytes));
    if (keeps) kept.push_back(source.keep(bytes.first(std::min(bytes.size(), keep_bytes_max))));
  }
  void on_sent(std::uint64_t op, tt_status) override { said += "sent" + std::to_string(op) + " "; }
  void on_writable() override { said += "writable "; }
  void on_closed(tt_status status, std::string_view text) override {
    said += "closed" + std::to_string(status) + " ";
    last.assign(text);
  }

  std::string said;
  std::string last;
  bool keeps = false;
  std::size_t keep_bytes_max = SIZE_MAX;
  std::vector<Payload> kept;
};

struct Listener final : ListenEvents {
  LinkEvents& on_accepted(Transport&, tt_conn*) override {
    ++accepted;
    return link;
  }
  int accepted = 0;
  Link link;
};

class TransportTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Transport>> open(TransportLimits limits = {}) {
    HostServices services{
        .wake = [this] { ++wakes_; },
        .now = [] { return TimePoint(7); },
        .log = [this](int, std::string_view text) { log_.assign(text); },
    };
    return Transport::open(fake_.plugin(), "fake", std::move(services), released_, limits);
  }
  std::unique_ptr<Transport> opened() { return std::move(open()).value(); }

  FakeTransport fake_;
  int wakes_ = 0;
  std::string log_;
  std::shared_ptr<ReleaseQueue> released_ = std::make_shared<ReleaseQueue>([this] { ++wakes_; });
};

TEST_F(TransportTest, SaysWhichSchemeCannotBeOpenedAndWhy) {
  fake_.open_status = TT_E_FAILED;
  fake_.failure_text = "no device";

  const auto transport = open();

  ASSERT_TRUE(transport.has_error());
  EXPECT_TRUE(transport.error().is(Errc::transport_failed));
  EXPECT_EQ(transport.error().text, "cannot open transport 'fake': no device");
}

TEST_F(TransportTest, SaysSoWhenAPluginGivesNoReason) {
  fake_.open_status = TT_E_NOMEM;

  EXPECT_EQ(open().error().text, "cannot open transport 'fake': the transport gave no reason");
}

TEST_F(TransportTest, RefusesATransportThatCannotBeQueried) {
  fake_.query_status = TT_E_FAILED;

  const auto transport = open();

  ASSERT_TRUE(transport.has_error());
  EXPECT_EQ(transport.error().text, "cannot query transport 'fake': the transport gave no reason");
  EXPECT_EQ(fake_.destroys, 1) << "what was opened is destroyed";
}

TEST_F(TransportTest, PassesTheLimitsOn) {
  const auto transport = open({.packet_bytes_max = 11,
                               .first_packet_bytes_max = 5,
                               .queue_bytes_max = 22,
                               .linger = TimePoint(33),
                               .threads_allowed = false});

  EXPECT_EQ(fake_.open_params.rx_max_msg, 11u);
  EXPECT_EQ(fake_.open_params.rx_first_msg_max, 5u);
  EXPECT_EQ(fake_.open_params.tx_hwm_bytes, 22u);
  EXPECT_EQ(fake_.open_params.linger_ns, 33u);
  EXPECT_EQ(fake_.open_params.flags, static_cast<std::uint32_t>(TT_OPEN_NO_THREADS));
  EXPECT_STREQ(transport.value()->scheme().c_str(), "fake");
}

TEST_F(TransportTest, OffersItsServicesToThePlugin) {
  const auto transport = opened();

  fake_.host->wake(fake_.host);
  fake_.host->log(fake_.host, TT_LOG_WARN, "careful");
  void* memory = fake_.host->alloc(fake_.host, 100, 64);

  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(log_, "careful");
  EXPECT_EQ(fake_.host->now(fake_.host), 7u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u);
  EXPECT_EQ(fake_.host->extension(fake_.host, "none"), nullptr);
  fake_.host->dealloc(fake_.host, memory, 100, 64);
}

TEST_F(TransportTest, ReturnsTheRealUriOfAListener) {
  const auto transport = opened();
  Listener listener;

  EXPECT_EQ(transport->listen("fake://*", listener).value(), "fake://real");
}

TEST_F(TransportTest, NamesTheUriThatCannotBeListenedAt) {
  const auto transport = opened();
  Listener listener;
  fake_.listen_status = TT_E_ADDRINUSE;
  fake_.failure_text = "taken";

  const auto uri = transport->listen("fake://a", listener);

  EXPECT_TRUE(uri.error().is(Errc::address_in_use));
  EXPECT_EQ(uri.error().text, "cannot listen at 'fake://a': taken");
}

TEST_F(TransportTest, NamesTheUriThatCannotBeDialled) {
  const auto transport = opened();
  Link link;
  fake_.connect_status = TT_E_REFUSED;
  fake_.failure_text = "nobody there";

  const auto conn = transport->connect("fake://b", link);

  EXPECT_TRUE(conn.error().is(Errc::connect_refused));
  EXPECT_EQ(conn.error().text, "cannot connect to 'fake://b': nobody there");
}

TEST_F(TransportTest, TellsAConnectionAllItsEventsInOrder) {
  const auto transport = opened();
  Link link;
  ASSERT_TRUE(transport->connect("fake://b", link).has_value());
  FakeConn& conn = fake_.conns.front();
  fake_.connected(conn);
  fake_.packet(conn, "bytes");
  fake_.sent(conn, 4);
  fake_.writable(conn);
  fake_.closed(conn, TT_E_RESET, "gone");

  EXPECT_EQ(transport->progress(), 5u);

  EXPECT_EQ(link.said, "connected packet sent4 writable closed-12 ");
  EXPECT_EQ(link.last, "gone");
  EXPECT_TRUE(conn.freed);
}

TEST_F(TransportTest, GivesAnAcceptedConnectionItsCookie) {
  const auto transport = opened();
  Listener listener;
  ASSERT_TRUE(transport->listen("fake://*", listener).has_value());
  FakeConn& conn = fake_.accept();

  transport->progress();
  fake_.packet(conn, "hi");
  transport->progress();

  EXPECT_EQ(listener.accepted, 1);
  EXPECT_EQ(listener.link.last, "hi");
}

TEST_F(TransportTest, IgnoresEventKindsThatItDoesNotKnow) {
  const auto transport = opened();
  tt_event event{};
  event.kind = 99;
  fake_.push(event);

  EXPECT_EQ(transport->progress(), 1u);
  EXPECT_FALSE(transport->is_down());
}

TEST_F(TransportTest, JoinsAPacketThatComesInSegments) {
  const auto transport = opened();
  Link link;
  link.keeps = true;
  ASSERT_TRUE(transport->connect("fake://b", link).has_value());
  std::string first("one"), last("three");
  const tt_iov parts[] = {{first.data(), 3}, {nullptr, 0}, {last.data(), 5}};
  tt_event event = FakeTransport::event_of(fake_.conns.front(), TT_EV_PACKET);
  event.flags = TT_EVF_SEGS;
  event.data = parts;
  event.len = 3;
  fake_.push(event);

  transport->progress();
  first = last = "gone.";

  EXPECT_EQ(link.last, "onethree");
  EXPECT_EQ(link.kept.front().text(), "onethree");
}

TEST_F(TransportTest, IsDownAndLogsWhenItBreaks) {
  const auto transport = opened();
  fake_.broken = true;

  EXPECT_EQ(transport->progress(), 0u);

  EXPECT_TRUE(transport->has_failed());
  EXPECT_TRUE(transport->is_down());
  EXPECT_EQ(log_, "transport 'fake' failed for good");
}

TEST_F(TransportTest, IsDownAfterTheDownEvent) {
  const auto transport = opened();
  tt_event event{};
  event.kind = TT_EV_DOWN;
  fake_.push(event);

  transport->shutdown();
  transport->progress();
  transport->shutdown();

  EXPECT_TRUE(transport->is_down());
  EXPECT_FALSE(transport->has_failed());
  EXPECT_EQ(fake_.shutdowns, 1) << "a transport that is down is left alone";
}

TEST_F(TransportTest, PassesTheDeadlineOfArmOn) {
  const auto transport = opened();
  std::optional<TimePoint> deadline;

  EXPECT_EQ(transport->arm(deadline), TT_OK);
  EXPECT_EQ(deadline, std::nullopt);
  fake_.arm_deadline = 1234;
  EXPECT_EQ(transport->arm(deadline), TT_OK);
  EXPECT_EQ(deadline, TimePoint(1234));
}

TEST_F(TransportTest, ReportsThatBuffersAreStillHeld) {
  const auto transport = opened();
  fake_.destroy_status = TT_E_BUSY;

  EXPECT_FALSE(transport->destroy());
}

// ---- Buffers that the transport lends ----

class LentPacket : public TransportTest {
 protected:
  void SetUp() override {
    transport_ = opened();
    ASSERT_TRUE(transport_->connect("fake://b", link_).has_value());
  }
  void deliver() {
    fake_.packet(fake_.conns.front(), rx_);
    transport_->progress();
  }
  std::size_t given_back() {
    const auto entries = released_->take();
    for (const auto& [transport, rx] : entries) transport->release(rx);
    return entries.size();
  }

  std::unique_ptr<Transport> transport_;
  Link link_;
  FakeRx rx_{std::string(8192, 'x')};
};

TEST_F(LentPacket, GoesBackAsSoonAsItWasDelivered) {
  deliver();

  EXPECT_EQ(rx_.releases, 1);
  EXPECT_EQ(given_back(), 0u);
}

TEST_F(LentPacket, StaysUntilTheLastPayloadThatViewsItIsGone) {
  link_.keeps = true;
  deliver();
  EXPECT_EQ(given_back(), 0u);
  EXPECT_EQ(static_cast<const void*>(link_.kept.front().data()), rx_.bytes.data()) << "no copy";

  EXPECT_EQ(rx_.releases, 0);

  link_.kept.clear();

  EXPECT_EQ(given_back(), 1u);
}

TEST_F(LentPacket, IsNotHeldBySmallPartsWhichAreCopied) {
  link_.keeps = true;
  rx_.bytes.assign(4096, 'y');
  deliver();

  EXPECT_EQ(rx_.releases, 1);
  EXPECT_EQ(link_.kept.front().text(), std::string(4096, 'y'));
}

TEST_F(LentPacket, IsNotHeldByAPartThatIsSmallBesideIt) {
  link_.keeps = true;
  link_.keep_bytes_max = 5000;
  rx_.bytes.assign(40'000, 'y');
  deliver();

  EXPECT_EQ(rx_.releases, 1);
  EXPECT_EQ(link_.kept.front().text(), std::string(5000, 'y'));
}

TEST_F(LentPacket, WakesTheDriverWhenItMayGoBack) {
  link_.keeps = true;
  deliver();
  const int before = wakes_;

  link_.kept.clear();

  EXPECT_EQ(wakes_, before + 1);
}

TEST_F(LentPacket, MayOutliveItsTransport) {
  link_.keeps = true;
  deliver();
  fake_.destroy_status = TT_E_BUSY;
  EXPECT_FALSE(transport_->destroy());

  link_.kept.clear();

  EXPECT_EQ(rx_.releases, 0) << "nobody drives any more";
}

TEST(ErrcOfStatus, MapsEveryStatusThatHasACodeOfItsOwn) {
  EXPECT_EQ(errc_of(TT_E_ADDR), Errc::bad_endpoint);
  EXPECT_EQ(errc_of(TT_E_ADDRINUSE), Errc::address_in_use);
  EXPECT_EQ(errc_of(TT_E_REFUSED), Errc::connect_refused);
  EXPECT_EQ(errc_of(TT_E_UNREACHABLE), Errc::unreachable);
  EXPECT_EQ(errc_of(TT_E_TIMEDOUT), Errc::unreachable);
  EXPECT_EQ(errc_of(TT_E_CLOSED), Errc::connection_lost);
  EXPECT_EQ(errc_of(TT_E_RESET), Errc::connection_lost);
  EXPECT_EQ(errc_of(TT_E_TOOBIG), Errc::payload_too_large);
  EXPECT_EQ(errc_of(TT_E_PROTOCOL), Errc::protocol_error);
  EXPECT_EQ(errc_of(-999), Errc::transport_failed);
}

}  // namespace
}  // namespace trestle::engine
