// Packets in: each turn a share of them, the rest waits.
#include <utility>

#include "dispatch/train.hpp"
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

/// Gathers messages that follow each other and expect nothing.
class Connection::TrainLoader {
 public:
  TrainLoader(Connection& connection, engine::PacketSource& source) noexcept
      : connection_(connection), source_(source) {}
  TrainLoader(const TrainLoader&) = delete;
  TrainLoader& operator=(const TrainLoader&) = delete;
  ~TrainLoader() { send_off(); }

  /// False: the message has to go another way.
  bool takes(const wire::PlainFrame& message) {
    const bool is_direct = message.kind == wire::FrameKind::request &&
                           message.mode == DeliveryMode::fire_and_forget &&
                           !message.call.expects_outcome() && message.deadline_ms == 0;
    if (!is_direct || (message.handler != number_ && !finds(message))) return false;
    if (train_ == nullptr) {
      train_ = std::allocate_shared<dispatch::Train>(memory::BlockAllocator<dispatch::Train>(),
                                                     connection_);
      train_->reserve(connection_.likely_train_);
    }
    train_->add({entry_, message.call, message.payload, message.codec});
    return true;
  }

  void send_off() {
    if (train_ != nullptr) send_train();
  }

 private:
  [[gnu::noinline]] void send_train() {
    train_->move_to(source_.keep_for_turn(train_->span()));
    const auto messages = static_cast<std::uint32_t>(train_->size());
    connection_.likely_train_ = messages;
    connection_.events_.on_train(std::exchange(train_, nullptr));
    if (connection_.count_forgotten(messages)) connection_.send_window();
  }

  bool finds(const wire::PlainFrame& message) {
    HandlerName* const handler = connection_.names_received_.known(message.handler);
    registry::Entry* const entry =
        handler != nullptr ? connection_.events_.find_direct(connection_, message, *handler)
                           : nullptr;
    if (entry == nullptr) return false;
    number_ = message.handler;
    entry_ = entry;
    return true;
  }

  Connection& connection_;
  engine::PacketSource& source_;
  std::shared_ptr<dispatch::Train> train_;
  std::uint32_t number_ = 0;  // of the handler of the latest message
  registry::Entry* entry_ = nullptr;
};

// In place: for each packet.
inline void Connection::take_in(const wire::PacketView& packet, engine::PacketSource& source) {
  const bool may_be_damaged =
      wire::has_checksum(packet.first) || checksum_rule_ == wire::ChecksumRule::required;
  if (may_be_damaged && !is_intact(packet)) return;
  share_.begin(engine_.turns());
  wire::PacketReader reader(packet, wire::hello_frame_bytes_max);
  if (inbox_.empty() && !is_pulling()) {
    // Of a train of packets, too, no more is read than the share has.
    const bool has_share = !share_.is_used_up() || must_read_all();
    if (has_share && read_frames(reader, source) != Progress::share_used_up) return;
    if (!is_pulling()) events_.on_input_waiting(*this);
  }
  wait_for_turn(reader, source);
}

void Connection::on_packet(const wire::PacketView& packet, engine::PacketSource& source) {
  if (is_closing()) return has_leases() ? take_in_pulled(packet) : void();
  pulse_.heard_at = engine_.recent_time();
  if (!is_held_back_) take_in(packet, source);
  // Also the packet of the hello, from its start.
  if (is_held_back_) hold(packet);
}

std::uint64_t Connection::own_features() const noexcept {
  const bool is_needed =
      limits_.checksum == Checksum::on ||
      (limits_.checksum == Checksum::automatic && !transport_->has(TT_CAP_INTEGRITY));
  return wire::feature::checksums | (is_needed ? wire::feature::wants_checksums : 0);
}

void Connection::agree_on_checksums() {
  const std::uint64_t own = own_features();
  if ((own & peer_.features & wire::feature::checksums) == 0) return;
  if (((own | peer_.features) & wire::feature::wants_checksums) == 0) return;
  outbox_.begin_checksums();
  checksum_rule_ = wire::ChecksumRule::required;
}

bool Connection::is_intact(const wire::PacketView& packet) {
  // The packet of the hello, which may be read twice, comes before the agreement.
  const auto rule = is_open() ? checksum_rule_ : wire::ChecksumRule::if_present;
  return is_sound(wire::check_sum(packet, rule));
}

bool Connection::is_intact(BytesView payload, std::optional<std::uint32_t> sum) {
  return !sum || is_sound(wire::check_payload(payload, *sum));
}

bool Connection::is_sound(const Result<>& checked) {
  if (checked.has_value()) return true;
  events_.on_damage(*this, checked.error());
  fail(checked.error());
  return false;
}

Connection::Progress Connection::read_frames(wire::PacketReader& reader,
                                             engine::PacketSource& source) {
  while (true) {
    // The peer's first requests may ride in the packet of its hello.
    if (is_open()) {
      const Progress progress = read_plain_frames(reader, source);
      if (progress != Progress::may_go_on) return progress;
    }
    if (reader.at_end()) return Progress::whole;
    const Progress progress = read_any_frame(reader, source);
    if (progress != Progress::may_go_on) return progress;
  }
}

Connection::Progress Connection::read_plain_frames(wire::PacketReader& reader,
                                                   engine::PacketSource& source) {
  reader.limit_frames(limits_.message_bytes_max);
  TrainLoader loader(*this, source);
  while (const wire::PlainFrame* plain = reader.next_plain()) {
    share_.use(plain->payload.size());
    if (reader.is_in_last_piece() && loader.takes(*plain)) {
      if (!share_.is_used_up() || must_read_all()) continue;
      return reader.at_end() ? Progress::whole : Progress::share_used_up;
    }
    loader.send_off();  // in order
    const bool is_last = reader.at_end();
    if (is_last) source.end_with_next_part();
    if (!handle_plain(*plain, source)) return Progress::ended;
    if (is_last) return Progress::whole;
    if (share_.is_used_up() && !must_read_all()) return Progress::share_used_up;
  }
  return Progress::may_go_on;
}

Connection::Progress Connection::read_any_frame(wire::PacketReader& reader,
                                                engine::PacketSource& source) {
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
  return Progress::may_go_on;
}

bool Connection::must_read_all() const noexcept {
  const bool pausable = transport_ != nullptr && transport_->has(TT_CAP_RX_PAUSE);
  return !pausable && inbox_.bytes() > waiting_bytes_max;
}

void Connection::wait_for_turn(const wire::PacketReader& reader, engine::PacketSource& source) {
  if (is_pulling()) note_pulls(reader);
  inbox_.push(reader, source);
  if (paused_ || inbox_.bytes() <= waiting_bytes_max) return;
  if (must_read_all()) return read_waiting();
  paused_ = true;
  transport_->pause(conn_, engine::Transport::Reading::paused);
}

void Connection::read_waiting() {
  while (!is_closing()) {
    if (is_pulling()) {
      if (!bulk_->pulls.has_first()) return;
      take_pulled_first();
    }
    if (inbox_.empty() || is_closing() || (share_.is_used_up() && !must_read_all())) return;
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
