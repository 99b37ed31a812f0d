// Packets in: each turn a share of them, the rest waits.
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {
namespace {

/// Beyond so many bytes that wait, the transport shall not read for this connection. One that
/// cannot stop reading gets no turns but has all handled at once: memory is bounded either way.
constexpr std::size_t waiting_bytes_max = 256 * 1024;

std::size_t payload_bytes(const wire::Frame& frame) noexcept {
  if (const auto* request = std::get_if<wire::Request>(&frame)) return request->payload.size();
  if (const auto* reply = std::get_if<wire::Reply>(&frame)) return reply->payload.size();
  return 0;
}

}  // namespace

void Connection::on_packet(const wire::PacketView& packet, engine::PacketSource& source) {
  if (is_closing()) return has_leases() ? take_in_pulled(packet) : void();
  pulse_.heard_at = engine_.recent_time();
  if (!is_held_back_) take_in(packet, source);
  // Also the packet of the hello, from its start.
  if (is_held_back_) hold(packet);
}

void Connection::take_in(const wire::PacketView& packet, engine::PacketSource& source) {
  share_.begin(engine_.turns());
  wire::PacketReader reader(packet, wire::hello_frame_bytes_max);
  if (inbox_.empty() && !is_pulling()) {
    if (read_frames(reader, source) != Progress::share_used_up) return;
    if (!is_pulling()) events_.on_input_waiting(*this);
  }
  wait_for_turn(reader, source);
}

Connection::Progress Connection::read_frames(wire::PacketReader& reader,
                                             engine::PacketSource& source) {
  while (true) {
    // The peer's first requests may ride in the packet of its hello.
    if (is_open()) {
      reader.limit_frames(limits_.message_bytes_max);
      while (const wire::PlainFrame* plain = reader.next_plain()) {
        share_.use(plain->payload.size());
        if (reader.at_end()) source.end_with_next_part();
        if (!handle_plain(*plain, source)) return Progress::ended;
        if (share_.is_used_up() && !must_read_all()) {
          return reader.at_end() ? Progress::whole : Progress::share_used_up;
        }
      }
    }
    auto frame = reader.next();
    if (frame.has_error()) {
      violated(frame.error());
      return Progress::ended;
    }
    if (!*frame) return Progress::whole;
    share_.use(payload_bytes(**frame));
    if (!handle_frame(**frame, source)) return Progress::ended;
    if (is_pulling() || (share_.is_used_up() && !must_read_all())) {
      return reader.at_end() ? Progress::whole : Progress::share_used_up;
    }
  }
}

bool Connection::must_read_all() const noexcept {
  const bool pausable = transport_ != nullptr && transport_->has(TT_CAP_RX_PAUSE);
  return !pausable && inbox_.bytes() > waiting_bytes_max;
}

void Connection::wait_for_turn(const wire::PacketReader& reader, engine::PacketSource& source) {
  inbox_.push(reader, source);
  if (paused_ || inbox_.bytes() <= waiting_bytes_max) return;
  if (must_read_all()) return read_waiting();
  paused_ = true;
  transport_->pause(conn_, engine::Transport::Reading::paused);
}

void Connection::read_waiting() {
  while (!inbox_.empty() && !is_closing() && !is_pulling() &&
         (!share_.is_used_up() || must_read_all())) {
    // Taken out: what it leads to may clear the rest.
    WaitingPacket packet = inbox_.take();
    if (read_frames(packet.reader, packet.source) == Progress::share_used_up) {
      inbox_.put_back(std::move(packet));
    }
  }
}

void Connection::read_on() {
  share_.begin(engine_.turns());
  read_waiting();
  if (inbox_.empty() || is_closing()) return on_inbox_empty();
  if (!is_pulling()) events_.on_input_waiting(*this);
}

void Connection::end_for_memory(std::size_t bytes_max) {
  give_up_on_peer(
      Error(Errc::protocol_error, "the packets that wait to be handled are more than " +
                                      std::to_string(bytes_max) + " bytes (input_bytes_max), and " +
                                      std::to_string(waiting_bytes()) +
                                      " of these are of this connection, more than of any other"));
  inbox_.clear();
}

void Connection::on_inbox_empty() {
  inbox_.clear();
  if (end_) {
    const End end = *std::exchange(end_, std::nullopt);
    return on_closed(end.status, end.text);
  }
  if (std::exchange(paused_, false) && conn_ != nullptr && !hung_up_) {
    transport_->pause(conn_, engine::Transport::Reading::resumed);
  }
}

}  // namespace trestle::peers
