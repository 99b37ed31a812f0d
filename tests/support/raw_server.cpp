// Listening by hand.
#include "trestle/test_support/raw_server.hpp"

#include <utility>

namespace trestle::test_support {

RawServer::RawServer(ManualDriver& driver, const std::string& uri) : driver_(driver) {
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
  engine::ListenEvents& events = *this;
  uri_ = transport_->listen(uri, events).value();
}

RawServer::~RawServer() {
  transport_->shutdown();
  while (!transport_->is_down()) settle();
  transport_->destroy();
}

void RawServer::settle() {
  while (transport_->progress() + driver_.poll() != 0) {
  }
}

engine::LinkEvents& RawServer::on_accepted(engine::Transport&, tt_conn* conn) {
  Link& link = links_.emplace_back();
  link.server = this;
  link.conn = conn;
  link.number = links_.size();
  if (is_silent_) return link;
  wire::Hello hello;
  hello.instance = instance_;
  hello.incarnation = incarnation_;
  hello.connection = static_cast<std::uint32_t>(link.number);
  hello.frame_bytes_max = 1u << 26;
  hello.window = window_;
  wire::Buffer packet;
  wire::begin_packet(packet);
  wire::append(packet, hello).value();
  const tt_iov segment{packet.data(), packet.size()};
  transport_->send(conn, {&segment, 1}, TT_SEND_COPY, 0);
  return link;
}

void RawServer::Link::on_packet(const wire::PacketView& packet, engine::PacketSource&) {
  wire::PacketReader reader(packet.first, 1u << 26);
  while (auto frame = reader.next().value()) {
    if (const auto* ping = std::get_if<wire::Ping>(&*frame)) {
      cookies.push_back(ping->cookie);
      ++server->pings_;
    }
    if (const auto* request = std::get_if<wire::Request>(&*frame)) {
      if (!server->requests_.empty()) server->requests_ += ' ';
      server->requests_ += std::to_string(number) + ":" + std::string(as_text(request->payload));
    }
  }
}

void RawServer::send_bytes(BytesView packet) {
  const tt_iov segment{packet.data(), packet.size()};
  transport_->send(links_.back().conn, {&segment, 1}, TT_SEND_COPY, 0);
  settle();
}

void RawServer::answer_pings() {
  for (const std::uint64_t cookie : std::exchange(links_.back().cookies, {})) {
    send(wire::Pong{cookie});
  }
}

void RawServer::cut() {
  close_latest(TT_CLOSE_ABORT);
}

void RawServer::hang_up() {
  close_latest(0);
}

void RawServer::close_latest(std::uint32_t flags) {
  transport_->close(links_.back().conn, flags);
  settle();
}

}  // namespace trestle::test_support
