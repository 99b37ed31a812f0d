// Connections over a fake transport, and a node above them that only takes notes.
#pragma once

#include <gtest/gtest.h>
#include <trestle/manual_driver.hpp>

#include <map>
#include <string>
#include <vector>

#include "fakes/fake_transport.hpp"
#include "peers/connection.hpp"
#include "wire/packet.hpp"

namespace trestle::peers {

using namespace std::chrono_literals;

/// The outcome of one call.
struct NotedSink final : calls::CallSink {
  void complete(Result<Encoded>&& result) noexcept override {
    ++completions;
    outcome.emplace(std::move(result));
  }
  Error error() const { return outcome->error(); }
  bool is_done() const noexcept { return outcome.has_value(); }

  int completions = 0;
  std::optional<Result<Encoded>> outcome;
};

/// The bytes of one packet of frames, as the peer would send them.
class PacketBytes {
 public:
  PacketBytes() { wire::begin_packet(bytes_); }
  template <class Frame>
  PacketBytes& add(const Frame& frame) {
    if constexpr (std::is_same_v<Frame, wire::Hello>) {
      EXPECT_TRUE(wire::append(bytes_, frame).has_value());
    } else {
      wire::append(bytes_, frame);
    }
    return *this;
  }
  std::string str() const { return std::string(as_text(bytes_)); }

 private:
  wire::Buffer bytes_;
};

/// Drives connections by hand on a manual clock.
class ConnectionRig : public ::testing::Test,
                      protected engine::EngineEvents,
                      protected ConnectionEvents {
 protected:
  ConnectionRig() {
    const std::lock_guard lock(engine_.mutex());
    transport_ = engine_.transport(fake_.plugin(), "fake").value();
  }

  ~ConnectionRig() override {
    // Peers and their connections hold each other, as long as nobody closes the latter.
    for (const auto& connection : connections_) connection->link.reset();
  }

  /// Like the node's dial().
  std::shared_ptr<Connection> dial() {
    auto connection = make(Opener::us);
    engine::LinkEvents& events = *connection;
    connection->attach(*transport_, transport_->connect("fake://b", events).value());
    return connection;
  }
  /// A connection of ours that is open to `instance`.
  std::shared_ptr<Connection> open(InstanceId instance = peer_id, std::uint64_t incarnation = 1) {
    auto connection = dial();
    fakes::FakeConn& conn = fake_.conns.back();
    fake_.connected(conn);
    fake_.packet(conn, PacketBytes().add(hello_of(instance, incarnation)).str());
    turn();
    EXPECT_TRUE(connection->is_open());
    return connection;
  }
  /// A connection that the peer opened.
  std::shared_ptr<Connection> accept(InstanceId instance = peer_id, std::uint64_t incarnation = 1) {
    auto connection = make(Opener::peer);
    fakes::FakeConn& conn = fake_.conns.emplace_back();
    conn.user = static_cast<engine::LinkEvents*>(connection.get());
    connection->attach(*transport_, conn.handle());
    fake_.packet(conn, PacketBytes().add(hello_of(instance, incarnation)).str());
    turn();
    return connection;
  }
  std::shared_ptr<Connection> make(Opener opener) {
    ConnectionEvents& events = *this;
    return connections_.emplace_back(
        std::make_shared<Connection>(engine_, events, limits_, opener, ++made_));
  }

  static wire::Hello hello_of(InstanceId instance = peer_id, std::uint64_t incarnation = 1) {
    wire::Hello hello;
    hello.instance = instance;
    hello.incarnation = incarnation;
    hello.connection = 40;
    hello.frame_bytes_max = 1 << 20;
    return hello;
  }

  fakes::FakeConn& conn() { return fake_.conns.back(); }
  void receive(const std::string& packet) {
    fake_.packet(conn(), packet);
    turn();
  }
  void turn() {
    engine_.collect();
    for (const auto& connection : std::exchange(waiting_, {})) connection->read_on();
    flush();
  }
  void advance(std::chrono::nanoseconds by) {
    clock_.advance(by);
    turn();
  }

  /// The names of all frames that were sent on a connection, with their texts.
  std::string frames(const fakes::FakeConn& of) const {
    std::string text;
    for (const fakes::SentPacket& packet : of.sent) {
      wire::PacketReader reader(as_bytes(packet.bytes), 64 << 20);
      for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
        text += std::visit([](const auto& f) { return describe(f); }, **frame) + " ";
      }
    }
    return text;
  }
  std::string frames() { return frames(conn()); }

  Result<wire::CallId> call(Connection& connection, NotedSink* sink, std::string_view handler = "h",
                            std::optional<TimePoint> deadline = {}, std::string payload = "x") {
    const DeliveryMode mode =
        sink != nullptr ? DeliveryMode::with_response : DeliveryMode::fire_and_forget;
    auto sent = connection.send_request(
        {handler, mode, {Codec::bytes, Payload::copy(payload)}, deadline}, sink);
    flush();
    return sent;
  }
  void flush() {
    for (const auto& connection : std::exchange(outputs_, {})) connection->flush();
    spent_.clear();
  }

  // EngineEvents
  bool has_work() const override { return false; }
  void on_transport_failed(engine::Transport&) override {}
  // ConnectionEvents
  wire::Hello own_hello(std::uint32_t number) const override {
    wire::Hello hello = hello_of(self_id);
    hello.connection = number;
    return hello;
  }
  Result<Admission> on_hello(Connection&, const PeerFacts&) override {
    if (verdict_) return *verdict_;
    return admission_;
  }
  void on_open(Connection&) override { ++opened_; }
  void on_cancel(std::shared_ptr<dispatch::KeptMessage>) override { ++cancels_; }
  void on_caller_lost(std::shared_ptr<dispatch::KeptMessage>) override {}
  void on_request(Connection&, wire::Request& request, HandlerName& handler,
                  engine::PacketSource&) override {
    requests_ += handler.name + "(" + std::string(as_text(request.payload).substr(0, 8)) + ") ";
  }
  void on_admitted(BlockedSend& send, Result<wire::CallId> admitted) override {
    send.admitted = std::move(admitted);
    ++admitted_;
  }
  std::vector<Payload>& spent_payloads() override { return spent_; }
  void bury(std::shared_ptr<void>) override {}
  void on_stray_outcome() override { ++strays_; }
  void on_rejected(Connection&, const wire::Rejected&) override { ++rejected_; }
  void on_protocol_error(Connection&, const Error& error) override {
    violations_ += error.text + "\n";
  }
  void on_refused(Connection&, const Error& why) override { refused_.push_back(why); }
  bool find_successor(Connection& lost, Error&) override {
    if (successor_ == nullptr) return false;
    successor_->succeed(lost);
    return true;
  }
  void on_messages_lost(Connection&, const Error& why, const Losses& lost) override {
    lost_ += std::to_string(lost.unsent) + " unsent, " + std::to_string(lost.in_doubt) +
             " in doubt: " + std::string(to_string(static_cast<Errc>(why.code.value()))) + "\n";
  }
  void on_closed(Connection&, const Error& why) override { closed_.push_back(why); }
  void on_output(Connection& connection) override {
    outputs_.push_back(connection.shared_from_this());
  }
  void on_input_waiting(Connection& connection) override {
    waiting_.push_back(connection.shared_from_this());
  }
  bool has_loopback_room(Connection&, std::size_t) override { return true; }
  void on_loopback(Connection&, Payload) override {}

  static constexpr InstanceId self_id = InstanceId::from_halves(0, 5);
  static constexpr InstanceId peer_id = InstanceId::from_halves(0, 9);

  ManualClock clock_;
  fakes::FakeTransport fake_;
  engine::Engine engine_{{.clock = clock_, .limits = {}, .log = [](int, std::string_view) {}},
                         *this};
  engine::Transport* transport_ = nullptr;
  TurnLimits turn_;
  ConnectionLimits limits_{.calls_max = 100,
                           .message_bytes_max = 1 << 20,
                           .queue_bytes_max = 4 << 20,
                           .handshake_timeout = 2s,
                           .turn = turn_};
  std::vector<std::shared_ptr<Connection>> outputs_;
  std::vector<std::shared_ptr<Connection>> waiting_;
  std::vector<Payload> spent_;
  std::uint32_t made_ = 0;
  std::vector<std::shared_ptr<Connection>> connections_;

  std::optional<Error> verdict_;
  Admission admission_ = Admission::now;
  int opened_ = 0;
  int strays_ = 0;
  int admitted_ = 0;
  int cancels_ = 0;
  int rejected_ = 0;
  std::string requests_;
  std::string violations_;
  std::string lost_;
  std::shared_ptr<Connection> successor_;
  std::vector<Error> refused_;
  std::vector<Error> closed_;

 private:
  static std::string describe(const wire::Request& f) {
    return "request:" + std::string(f.handler_name) + "#" + std::to_string(f.handler);
  }
  static std::string describe(const wire::Goodbye& f) { return "goodbye:" + std::string(f.text); }
  static std::string describe(const wire::Nack& f) { return "nack:" + std::string(f.text); }
  static std::string describe(const wire::Hello&) { return "hello"; }
  static std::string describe(const wire::Ping&) { return "ping"; }
  static std::string describe(const wire::Pong&) { return "pong"; }
  static std::string describe(const wire::Reply&) { return "reply"; }
  static std::string describe(const wire::Ack&) { return "ack"; }
  static std::string describe(const wire::Cancel&) { return "cancel"; }
  static std::string describe(const wire::UnknownFrame&) { return "void"; }
  template <class Frame>
  static std::string describe(const Frame&) {
    return "other";
  }
};

}  // namespace trestle::peers
