// Driving a transport by hand.
#include "trestle/test_support/raw_peer.hpp"

#include <utility>

namespace trestle::test_support {

RawPeer::RawPeer(ManualDriver& driver, const std::string& uri) : driver_(driver) {
  const std::string scheme = uri.substr(0, uri.find(':'));
  const auto plugin = plugins_.find(scheme).value();
  engine::HostServices services{.wake = [] {},
                                .now = [&driver] { return driver.clock().now(); },
                                .log = [](int, std::string_view) {}};
  transport_ =
      engine::Transport::open(
          *plugin.descriptor, scheme, std::move(services),
          std::make_shared<engine::ReleaseQueue>([] {}),
          {.packet_bytes_max = 1u << 28, .queue_bytes_max = 1u << 28, .threads_allowed = false})
          .value();
  conn_ = transport_->connect(uri, *this).value();
  settle();
}

RawPeer::~RawPeer() {
  if (!closed_) transport_->close(conn_, TT_CLOSE_ABORT);
  transport_->shutdown();
  while (!transport_->is_down()) settle();
  packets_.clear();
  transport_->destroy();
}

void RawPeer::settle() {
  while (transport_->progress() + driver_.poll() != 0) {
  }
}

void RawPeer::send_bytes(BytesView packet) {
  const tt_iov segment{packet.data(), packet.size()};
  // Once it is closed there is nothing to send on.
  if (!closed_) transport_->send(conn_, {&segment, 1}, TT_SEND_COPY, 0);
  settle();
}

void RawPeer::greet(const InstanceId& instance, std::uint64_t incarnation) {
  wire::Hello hello;
  hello.instance = instance;
  hello.incarnation = incarnation;
  hello.connection = 1;
  hello.frame_bytes_max = 1u << 26;
  send(hello);
}

std::string RawPeer::take_order() {
  std::string order;
  for (const wire::Frame& frame : std::exchange(frames_, {})) {
    if (std::holds_alternative<wire::Accepted>(frame)) order += " accepted";
    if (std::holds_alternative<wire::Reply>(frame)) order += " reply";
    if (std::holds_alternative<wire::Ack>(frame)) order += " ack";
    if (std::holds_alternative<wire::Nack>(frame)) order += " nack";
  }
  return order.empty() ? order : order.substr(1);
}

void RawPeer::on_packet(const wire::PacketView& packet, engine::PacketSource&) {
  const Payload& kept = packets_.emplace_back(Payload::copy(packet.first));
  wire::PacketReader reader(kept.view(), 1u << 26);
  while (auto frame = reader.next().value()) {
    ++frames_received_;
    frames_.push_back(std::move(*frame));
  }
}

}  // namespace trestle::test_support
