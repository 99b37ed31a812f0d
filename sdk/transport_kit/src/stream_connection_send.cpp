// Sending: at once if the socket takes it, else from the queue.
#include <trestle/transport_kit/socket_io.hpp>
#include <trestle/transport_kit/stream_connection.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// A train of small packets leaves at the latest when it has grown to this.
constexpr std::size_t train_bytes_max = 64 * 1024;
/// Bytes written from the queue before others get their turn.
constexpr std::size_t write_bytes_per_round = 1024 * 1024;
/// Segments of one system call: a full packet, its header, and some of the queue.
constexpr std::size_t gather_max = StreamConnection::segments_max * 2;
/// Packets up to this size, with their header, are written from one piece of memory.
constexpr std::size_t flat_bytes_max = 512;
static_assert(flat_bytes_max <= StreamConnection::copy_bytes_max, "what is left of it is copied");

PacketHeader header_for(std::size_t framed_bytes) {
  return packet_header(static_cast<std::uint32_t>(framed_bytes - sizeof(PacketHeader)));
}

tt_iov as_segment(const PacketHeader& header) {
  return {header.data(), header.size()};
}

}  // namespace

tt_status StreamConnection::send(std::span<const tt_iov> segments, std::uint32_t flags,
                                 std::uint64_t op) {
  if (segments.size() > segments_max) return TT_E_INVALID;
  const std::size_t payload = gathered_bytes(segments);
  if (payload > framed_packet_bytes_max) return TT_E_TOOBIG;
  if (state_ > State::up) return TT_E_CLOSED;
  if (write_errno_ != 0) return TT_E_RESET;
  const Outgoing packet{.segments = segments,
                        .bytes = payload + sizeof(PacketHeader),
                        .copied = (flags & TT_SEND_COPY) != 0 || payload <= copy_bytes_max,
                        .op = op};
  if (state_ != State::up) {
    refused_bytes_ = packet.bytes;
    return TT_E_AGAIN;
  }
  return blocked_ ? queue_packet(packet) : send_now(packet, flags);
}

tt_status StreamConnection::queue_packet(const Outgoing& packet) {
  if (!queue_.accepts(packet.bytes)) {
    refused_bytes_ = packet.bytes;
    return TT_E_AGAIN;
  }
  const PacketHeader header = header_for(packet.bytes);
  queue_.push_copied(std::array{as_segment(header)});
  if (packet.copied) {
    queue_.push_copied(packet.segments);
    return TT_OK;
  }
  queue_.push_borrowed(packet.segments, packet.op);
  return TT_PENDING;
}

tt_status StreamConnection::send_now(const Outgoing& packet, std::uint32_t flags) {
  const bool gathers = (flags & TT_SEND_MORE) != 0 && packet.copied &&
                       queue_.bytes() + packet.bytes < train_bytes_max &&
                       queue_.accepts(packet.bytes);
  if (gathers) {
    join_trains();
    return queue_packet(packet);
  }
  if (packet.bytes <= flat_bytes_max && queue_.empty()) return send_flat(packet);
  std::array<tt_iov, gather_max> gathered;
  if (queue_.segments() + 1 + packet.segments.size() > gathered.size()) {
    write_queue();
    if (write_errno_ != 0) return TT_E_RESET;
    if (blocked_) return queue_packet(packet);
  }
  const std::size_t queued = queue_.gather(gathered);
  const std::size_t queued_bytes = queue_.bytes();
  const PacketHeader header = header_for(packet.bytes);
  gathered[queued] = as_segment(header);
  std::copy(packet.segments.begin(), packet.segments.end(), gathered.begin() + queued + 1);
  const auto all = std::span(gathered).first(queued + 1 + packet.segments.size());

  const auto written = write_some(all);
  if (!written) return TT_E_RESET;
  const std::size_t from_queue = std::min(*written, queued_bytes);
  report_sent(queue_.consume(from_queue), TT_OK);
  const auto rest = without_prefix(all.subspan(queued), *written - from_queue);
  if (gathered_bytes(rest) == 0) return TT_OK;
  const tt_status status = keep_rest(rest, packet);
  block();
  return status;
}

/// A small packet alone: copying it together costs less than a list of segments does.
tt_status StreamConnection::send_flat(const Outgoing& packet) {
  std::array<std::byte, flat_bytes_max> frame;
  const PacketHeader header = header_for(packet.bytes);
  auto* end = std::copy(header.begin(), header.end(), frame.data());
  for (const tt_iov& segment : packet.segments) {
    end = std::copy_n(static_cast<const std::byte*>(segment.base), segment.len, end);
  }
  const tt_iov flat{frame.data(), packet.bytes};
  const auto written = write_some({&flat, 1});
  if (!written) return TT_E_RESET;
  if (*written == packet.bytes) return TT_OK;
  const tt_iov rest{frame.data() + *written, packet.bytes - *written};
  queue_.push_copied({&rest, 1});
  block();
  return TT_OK;
}

/// Queues what the socket did not take. The header lies on our stack, so it is always copied.
tt_status StreamConnection::keep_rest(std::span<tt_iov> rest, const Outgoing& packet) {
  const std::size_t rest_bytes = gathered_bytes(rest);
  if (packet.copied || rest_bytes <= copy_bytes_max) {
    queue_.push_copied(rest);
    return TT_OK;
  }
  const std::size_t payload_bytes = packet.bytes - sizeof(PacketHeader);
  if (rest_bytes > payload_bytes) {
    queue_.push_copied(rest.first(1));
    rest = rest.subspan(1);
  }
  queue_.push_borrowed(rest, packet.op);
  return TT_PENDING;
}

void StreamConnection::join_trains() {
  if (!std::exchange(has_train_, true)) shared_.trains_.push_back(this);
}

void StreamConnection::leave_trains() {
  if (std::exchange(has_train_, false)) std::erase(shared_.trains_, this);
}

void StreamConnection::flush() {
  has_train_ = false;
  if (state_ == State::up && !blocked_ && !queue_.empty()) write_queue();
}

void StreamConnection::write_queue() {
  std::size_t budget = write_bytes_per_round;
  while (!queue_.empty()) {
    std::array<tt_iov, gather_max> gathered;
    const auto segments = std::span(gathered).first(queue_.gather(gathered));
    const auto written = write_some(segments);
    if (!written) return;
    report_sent(queue_.consume(*written), TT_OK);
    if (*written < gathered_bytes(segments) || *written >= budget) {
      if (!queue_.empty()) block();
      break;
    }
    budget -= *written;
  }
  queue_drained();
}

/// Bytes taken, 0 if the socket is full; nothing once the stream is broken: what the peer sent
/// before is still read, and then the connection is closed.
std::optional<std::size_t> StreamConnection::write_some(std::span<const tt_iov> segments) noexcept {
  const ssize_t written = transport_kit::write_some(socket_.get(), segments);
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) return 0;
  write_errno_ = errno;
  // The error may have been consumed by this call, so the reading side is told to look.
  readable_ = true;
  loop_.enqueue(*this);
  loop_.host().wake();
  return std::nullopt;
}

void StreamConnection::report_sent(std::span<const std::uint64_t> ops, tt_status status) {
  for (const std::uint64_t op : ops) loop_.tell(source(), TT_EV_SENT, status, op);
}

/// The queue has become shorter.
void StreamConnection::queue_drained() {
  if (refused_bytes_ > 0 && queue_.accepts(std::max(refused_bytes_, queue_.low_water()))) {
    refused_bytes_ = 0;
    loop_.tell(source(), TT_EV_WRITABLE);
  }
  if (state_ == State::flushing && queue_.empty()) {
    ::shutdown(socket_.get(), SHUT_WR);
    state_ = State::draining;
  }
  update_interest();
}

void StreamConnection::block() {
  blocked_ = true;
  update_interest();
}

}  // namespace trestle::transport_kit
