// Talking to a plugin through its tables.
#include "engine/transport.hpp"

#include <sys/single_threaded.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/packet_hold.hpp"

namespace trestle::engine {
namespace {

/// What one connection of a transport may have waiting: enough to be busy while the rest follows.
/// It cannot be withdrawn any more, and more of it leaves the processor's caches before it is sent.
constexpr std::uint64_t handed_over_bytes_max = 2 * 1024 * 1024;

/// `what` could not be done with `subject`. A reason that names the subject speaks for itself.
Error error_of(tt_status status, const tt_error& details, std::string_view what,
               std::string_view subject) {
  const std::string_view reason =
      details.text[0] != '\0' ? std::string_view(details.text) : "the transport gave no reason";
  if (reason.find(subject) != std::string_view::npos) {
    return Error(errc_of(status), std::string(reason));
  }
  return Error(errc_of(status), "cannot " + std::string(what) + " '" + std::string(subject) +
                                    "': " + std::string(reason));
}

/// One buffer with the bytes of all parts.
Payload gather(std::span<const tt_iov> parts) {
  std::size_t size = 0;
  for (const tt_iov& part : parts) size += part.len;
  auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  std::size_t at = 0;
  for (const tt_iov& part : parts) {
    if (part.len != 0) std::memcpy(buffer.get() + at, part.base, part.len);
    at += part.len;
  }
  return Payload::take(std::move(buffer), size);
}

tt_error empty_error() {
  tt_error error{};
  error.size = sizeof(tt_error);
  return error;
}

}  // namespace

Errc errc_of(tt_status status) noexcept {
  switch (status) {
    case TT_E_ADDR:
      return Errc::bad_endpoint;
    case TT_E_ADDRINUSE:
      return Errc::address_in_use;
    case TT_E_REFUSED:
      return Errc::connect_refused;
    case TT_E_UNREACHABLE:
    case TT_E_TIMEDOUT:
      return Errc::unreachable;
    case TT_E_CLOSED:
    case TT_E_RESET:
      return Errc::connection_lost;
    case TT_E_TOOBIG:
      return Errc::payload_too_large;
    case TT_E_PROTOCOL:
      return Errc::protocol_error;
    default:
      return Errc::transport_failed;
  }
}

Transport::Transport(const tt_plugin& plugin, std::string_view scheme, HostServices services,
                     std::shared_ptr<ReleaseQueue> released)
    : ops_(*plugin.ops),
      scheme_(scheme),
      services_(std::move(services)),
      released_(std::move(released)),
      host_(services_, scheme_) {}

Transport::~Transport() = default;

Result<std::unique_ptr<Transport>> Transport::open(const tt_plugin& plugin, std::string_view scheme,
                                                   HostServices services,
                                                   std::shared_ptr<ReleaseQueue> released,
                                                   const TransportLimits& limits) {
  std::unique_ptr<Transport> self(
      new Transport(plugin, scheme, std::move(services), std::move(released)));
  tt_open_params params{};
  params.size = sizeof(params);
  params.flags = limits.threads_allowed ? 0 : TT_OPEN_NO_THREADS;
  params.scheme = self->scheme_.c_str();
  params.rx_max_msg = limits.packet_bytes_max;
  params.tx_hwm_bytes = std::min<std::uint64_t>(limits.queue_bytes_max, handed_over_bytes_max);
  params.linger_ns = static_cast<std::uint64_t>(limits.linger.count());
  params.rx_first_msg_max = limits.first_packet_bytes_max;
  tt_error error = empty_error();
  tt_status status = self->ops_.open(self->host_.get(), &params, &self->handle_, &error);
  if (status < 0) {
    return error_of(status, error, "open transport", self->scheme_);
  }
  self->attributes_.size = sizeof(tt_attr);
  self->attributes_.wait_fd = -1;
  status = self->ops_.query(self->handle_, &self->attributes_);
  if (status < 0) {
    self->destroy();
    return error_of(status, empty_error(), "query transport", self->scheme_);
  }
  self->find_extensions();
  return self;
}

void Transport::find_extensions() {
  if (ops_.extension == nullptr) return;
  const auto* activity = static_cast<const tt_activity*>(ops_.extension(handle_, TT_ACTIVITY_ID));
  if (activity != nullptr && TT_HAS(tt_activity, activity, bytes_received)) activity_ = activity;
  const auto* bulk = static_cast<const tt_bulk*>(ops_.extension(handle_, TT_BULK_ID));
  // Whoever pulls stops reading meanwhile.
  if (bulk != nullptr && TT_HAS(tt_bulk, bulk, get) && has(TT_CAP_RX_PAUSE)) bulk_ = bulk;
}

Result<std::string> Transport::listen(const std::string& uri, ListenEvents& events) {
  tt_listener* listener = nullptr;
  tt_error error = empty_error();
  tt_status status = ops_.listen(handle_, uri.c_str(), &events, &listener, &error);
  if (status < 0) return error_of(status, error, "listen at", uri);
  std::array<char, 1024> buffer{};
  std::size_t length = buffer.size();
  status = ops_.listener_uri(handle_, listener, buffer.data(), &length);
  if (status < 0) return error_of(status, empty_error(), "learn the real URI of", uri);
  return std::string(buffer.data());
}

Result<tt_conn*> Transport::connect(const std::string& uri, LinkEvents& events) {
  tt_conn* conn = nullptr;
  tt_error error = empty_error();
  const tt_status status = ops_.connect(handle_, uri.c_str(), &events, &conn, &error);
  if (status < 0) return error_of(status, error, "connect to", uri);
  return conn;
}

tt_status Transport::send(tt_conn* conn, std::span<const tt_iov> segments, std::uint32_t flags,
                          std::uint64_t op) noexcept {
  const tt_status status = ops_.send(handle_, conn, segments.data(),
                                     static_cast<std::uint32_t>(segments.size()), flags, op);
  if (status >= 0) {
    ++traffic_.packets_sent;
    for (const tt_iov& segment : segments) traffic_.bytes_sent += segment.len;
  }
  return status;
}

void Transport::close(tt_conn* conn, std::uint32_t flags) noexcept {
  ops_.conn_close(handle_, conn, flags);
}

void Transport::release(tt_rx* rx) noexcept {
  ops_.rx_release(handle_, rx);
}

void Transport::pause(tt_conn* conn, Reading reading) noexcept {
  ops_.conn_pause(handle_, conn, static_cast<std::int32_t>(reading));
}

std::size_t Transport::progress() {
  std::array<tt_event, 64> events;
  const std::int32_t count =
      ops_.progress(handle_, events.data(), static_cast<std::uint32_t>(events.size()));
  if (count < 0) {
    services_.log(TT_LOG_ERROR, "transport '" + scheme_ + "' failed for good");
    failed_ = down_ = true;
    return 0;
  }
  for (std::int32_t i = 0; i < count; ++i) {
    const tt_event& event = events[static_cast<std::size_t>(i)];
    // Nearly all of them are these.
    if (event.kind == TT_EV_PACKET) {
      (event.flags & TT_EVF_SEGS) == 0 ? deliver_packet(event) : deliver_segments(event);
    } else if (event.kind == TT_EV_SENT) {
      static_cast<LinkEvents*>(event.user)->on_sent(event.op, event.status);
    } else {
      dispatch(event);
    }
  }
  return static_cast<std::size_t>(count);
}

void Transport::note_user(tt_conn* conn, const LinkEvents& link) {
  tt_conn_info facts{};
  facts.size = sizeof(facts);
  facts.peer_uid = -1;
  if (ops_.conn_info == nullptr || ops_.conn_info(handle_, conn, &facts) != TT_OK) return;
  if (facts.peer_uid >= 0) users_[&link] = facts.peer_uid;
}

std::int64_t Transport::peer_user(const LinkEvents& link) const noexcept {
  const auto known = users_.find(&link);
  return known != users_.end() ? known->second : -1;
}

void Transport::dispatch(const tt_event& event) {
  auto* link = static_cast<LinkEvents*>(event.user);
  switch (event.kind) {
    case TT_EV_ACCEPTED: {
      // aux carries the listener's cookie as an integer.
      auto* listener = reinterpret_cast<ListenEvents*>(static_cast<std::uintptr_t>(event.aux));
      LinkEvents& accepted = listener->on_accepted(*this, event.conn);
      ops_.conn_set_user(handle_, event.conn, &accepted);
      note_user(event.conn, accepted);
      break;
    }
    case TT_EV_CONNECTED:
      note_user(event.conn, *link);
      link->on_connected();
      break;
    case TT_EV_WRITABLE:
      link->on_writable();
      break;
    case TT_EV_BULK: {
      PacketSource source(*this, event.rx, released_, event.len);
      link->on_bulk(event.op, event.status, {static_cast<const std::byte*>(event.data), event.len},
                    source);
      break;
    }
    case TT_EV_CLOSED: {
      const std::string text = event.data != nullptr ? static_cast<const char*>(event.data) : "";
      users_.erase(link);
      ops_.conn_free(handle_, event.conn);
      link->on_closed(event.status, text);
      break;
    }
    case TT_EV_UNLISTENED:
      break;
    case TT_EV_DOWN:
      down_ = true;
      break;
    default:
      break;  // a plugin newer than this host: kinds that it does not know are ignored
  }
}

PacketHold::PacketHold(const std::shared_ptr<ReleaseQueue>& queue, Transport& transport, tt_rx* rx)
    : queue_(transport.takes_releases_anywhere() ? nullptr : queue),
      transport_(transport),
      rx_(rx) {
  transport_.begin_hold();
}

void PacketHold::give_back() noexcept {
  if (queue_ != nullptr) {
    queue_->push(&transport_, rx_);
  } else {
    transport_.end_hold(rx_);
  }
  delete this;
}

void PacketSource::let_go() noexcept {
  if (hold_ != nullptr) {
    PacketHold::drop_reader(hold_);
  } else if (rx_ != nullptr) {
    transport_->release(rx_);
  }
}

void Transport::deliver_packet(const tt_event& event) {
  const BytesView bytes(static_cast<const std::byte*>(event.data), event.len);
  ++traffic_.packets_received;
  traffic_.bytes_received += bytes.size();
  PacketSource source(*this, event.rx, released_, bytes.size());
  static_cast<LinkEvents*>(event.user)->on_packet(bytes, source);
}

void Transport::deliver_segments(const tt_event& event) {
  auto& link = *static_cast<LinkEvents*>(event.user);
  const std::span segments(static_cast<const tt_iov*>(event.data), event.len);
  std::array<BytesView, 4> few;  // as many as most packets have
  std::span<BytesView> pieces(few);
  if (segments.size() <= few.size()) {
    pieces = pieces.first(segments.size());
  } else {
    pieces_.resize(segments.size());
    pieces = pieces_;
  }
  std::size_t size = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    pieces[i] = {static_cast<const std::byte*>(segments[i].base), segments[i].len};
    size += segments[i].len;
  }
  ++traffic_.packets_received;
  traffic_.bytes_received += size;
  PacketSource source(*this, event.rx, released_, size);
  if (!pieces.empty() && wire::PacketView::is_readable(pieces)) {
    link.on_packet({pieces.front(), pieces.subspan(1)}, source);
    return;
  }
  const Payload whole = gather(segments);
  PacketSource copied;
  link.on_packet(whole.view(), copied);
}

tt_status Transport::arm(std::optional<TimePoint>& deadline) {
  std::uint64_t at = 0;
  const tt_status status = ops_.arm(handle_, &at);
  if (at != 0) deadline = TimePoint(static_cast<std::int64_t>(at));
  return status;
}

void Transport::shutdown() noexcept {
  if (!down_) ops_.shutdown(handle_, 0);
}

void Transport::end_hold(tt_rx* rx) noexcept {
  release(rx);
  // Alone in its process, a thread needs no atomic addition.
  if (__libc_single_threaded != 0) {
    holds_ended_.store(holds_ended_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return;
  }
  // release: pairs with the acquire in destroy(), which must not run beside a release.
  holds_ended_.fetch_add(1, std::memory_order_release);
}

bool Transport::destroy() noexcept {
  if (holds_ended_.load(std::memory_order_acquire) != holds_begun_) return false;
  if (handle_ == nullptr) return true;
  if (ops_.destroy(handle_) != TT_OK) return false;
  handle_ = nullptr;
  return true;
}

}  // namespace trestle::engine
