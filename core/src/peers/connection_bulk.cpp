// Payloads that do not travel in packets: lent to the peer, and pulled from it.
#include <algorithm>
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {
namespace {

/// Numbers of operations that end leases; the others are of pulls.
constexpr std::uint64_t retire_op = std::uint64_t{1} << 63;

}  // namespace

void Connection::offer_bulk(wire::Hello& hello) {
  if (transport_ == nullptr) return;
  const auto terms = transport_->bulk_terms(conn_);
  if (!terms) return;
  bulk_ = std::make_unique<BulkState>(BulkState{.terms = *terms});
  hello.features |= wire::feature::bulk;
}

void Connection::learn_bulk(std::uint64_t features) noexcept {
  if (bulk_ != nullptr && (features & wire::feature::bulk) != 0) {
    lease_bytes_min_ = std::max<std::size_t>(bulk_->terms.bytes_min, Outbox::lend_bytes_min);
  }
}

// ---- Lending ----

std::optional<BulkLease> Connection::lease(Payload& payload, wire::Pull& pull) {
  if (payload.is_borrowed() || payload.size() > bulk_->terms.bytes_max) return std::nullopt;
  if (!bulk_->leases.has_room(payload.size()) || conn_ == nullptr) return std::nullopt;
  const auto offer = transport_->offer(conn_, payload.view());
  if (!offer) return std::nullopt;
  BulkLease lease{.number = bulk_->leases.next_number(), .region = offer->region};
  pull = {.lease = lease.number,
          .key = offer->range.key,
          .address = offer->range.address,
          .payload_bytes = payload.size()};
  if (checksum_rule_ == wire::ChecksumRule::required) {
    pull.payload_sum = wire::payload_sum(payload.view());
  }
  return lease;
}

template <class Frame>
FrameNumber Connection::queue_lent(Frame& frame, Payload& payload) {
  wire::Pull pull;
  auto lent = lease(payload, pull);
  if (!lent) return outbox_.add(std::move(frame), std::move(payload));
  frame.payload = payload.view();
  wire::Buffer bytes;
  wire::append_without_payload(bytes, frame);
  pull.frame = {bytes.data(), bytes.size()};
  lent->frame = outbox_.add(pull);
  lent->payload = std::move(payload);
  const FrameNumber number = lent->frame;
  bulk_->leases.add(std::move(*lent));
  return number;
}

template FrameNumber Connection::queue_lent(wire::Request& frame, Payload& payload);
template FrameNumber Connection::queue_lent(wire::Reply& frame, Payload& payload);

void Connection::end_lease(std::optional<BulkLease> lease) {
  if (!lease) return;
  if (conn_ != nullptr) transport_->withdraw(conn_, lease->region);
  events_.spent_payloads().push_back(std::move(lease->payload));
}

void Connection::handle(const wire::Pulled& pulled) {
  auto lease = bulk_ != nullptr ? bulk_->leases.take(pulled.lease) : std::nullopt;
  if (lease && conn_ != nullptr &&
      transport_->retire(conn_, lease->region, lease->number | retire_op) == TT_PENDING) {
    // The peer may say so and read on: its memory is not given back before that is impossible.
    bulk_->leases.retire(std::move(*lease));
  } else if (lease) {
    events_.spent_payloads().push_back(std::move(lease->payload));
  }
  if (!blocked_.empty() && !is_closing()) admit_blocked();
}

/// Closing waits until the peer has what it was lent; nothing else of what comes counts.
void Connection::take_in_pulled(const wire::PacketView& packet) {
  wire::PacketReader reader(packet, limits_.message_bytes_max);
  while (true) {
    const auto frame = reader.next();
    if (frame.has_error() || !*frame) break;
    if (const auto* pulled = std::get_if<wire::Pulled>(&**frame)) handle(*pulled);
  }
  if (!has_leases()) flush();
}

// ---- Pulling ----

Result<> Connection::check_pull(const wire::Pull& pull) const {
  if (bulk_ == nullptr) {
    return Error(Errc::protocol_error, "a pull frame, which this side did not offer");
  }
  const std::size_t frame_bytes = pull.frame.size() + pull.payload_bytes;
  const std::size_t most = std::min(limits_.message_bytes_max, bulk_->terms.bytes_max);
  if (frame_bytes > most) {
    return Error(Errc::protocol_error, "a pull frame for " + std::to_string(frame_bytes) +
                                           " bytes, the limit is " + std::to_string(most));
  }
  if (checksum_rule_ == wire::ChecksumRule::required && !pull.payload_sum) {
    return Error(Errc::protocol_error,
                 "a pull frame without a checksum, and both sides agreed on them");
  }
  return {};
}

tt_status Connection::begin_get(const wire::Pull& pull, std::uint64_t op) const noexcept {
  const tt_bulk_range range{.key = pull.key, .address = pull.address, .bytes = pull.payload_bytes};
  return transport_->get(conn_, range, op);
}

bool Connection::handle(const wire::Pull& pull) {
  if (const auto checked = check_pull(pull); checked.has_error()) return violated(checked.error());
  BulkPulls& pulls = bulk_->pulls;
  if (!pulls.is_first(pull)) {
    if (conn_ == nullptr) {  // the transport's end of it is gone, and the memory with it
      abort(Error(Errc::connection_lost, "the peer ended before its payload was read"));
      return false;
    }
    const std::uint64_t op = pulls.next_op();
    if (const tt_status status = begin_get(pull, op); status < 0) {
      abort(Error(engine::errc_of(status), "the transport cannot read a payload of " +
                                               std::to_string(pull.payload_bytes) +
                                               " bytes from the peer"));
      return false;
    }
    pulls.begin_first(pull, op);
  }
  wire::Buffer start;
  wire::begin_packet(start);
  std::string head(reinterpret_cast<const char*>(start.data()), start.size());
  head.append(as_text(pull.frame));
  pulls.await_first(std::move(head));
  return true;
}

/// What the frames of a packet that has to wait announce can be read meanwhile.
void Connection::note_pulls(wire::PacketReader unread) {
  unread.limit_frames(limits_.message_bytes_max);
  while (bulk_->pulls.may_note()) {
    while (unread.next_plain() != nullptr) {
    }
    const auto frame = unread.next();
    if (frame.has_error() || !*frame) break;
    const auto* const pull = std::get_if<wire::Pull>(&**frame);
    if (pull == nullptr) continue;
    if (check_pull(*pull).has_error()) break;  // to be told when it has its turn
    bulk_->pulls.note(*pull);
  }
  pull_ahead();
}

void Connection::pull_ahead() {
  if (is_closing() || conn_ == nullptr) return;
  BulkPulls& pulls = bulk_->pulls;
  while (const wire::Pull* const next = pulls.next_ahead()) {
    const std::uint64_t op = pulls.next_op();
    if (begin_get(*next, op) < 0) return;  // it has its turn yet
    pulls.begin_ahead(op);
  }
}

void Connection::on_bulk(std::uint64_t op, tt_status status, BytesView bytes,
                         engine::PacketSource& source) {
  if (bulk_ != nullptr && (op & retire_op) != 0) {
    auto payload = bulk_->leases.take_retired(op & ~retire_op);
    if (payload) events_.spent_payloads().push_back(std::move(*payload));
    return;
  }
  BulkPull* const pull = bulk_ != nullptr && !is_closing() ? bulk_->pulls.find(op) : nullptr;
  if (pull == nullptr) return;
  pull->ended = status;
  if (status >= 0) {
    if (!is_intact(bytes, pull->payload_sum)) return;
    pulse_.heard_at = engine_.recent_time();
    pull->payload = bytes;
    pull->source.emplace(std::move(source));
    outbox_.add(wire::Pulled{pull->lease});
    events_.on_output(*this);
  }
  if (bulk_->pulls.has_first()) read_on();
}

/// As if it had come in a packet of its own, before all that waited for it.
void Connection::take_pulled_first() {
  auto [head, pulled] = bulk_->pulls.take_first();
  if (*pulled.ended < 0) {
    return abort(
        Error(Errc::connection_lost, "a payload that the peer announced cannot be read, status " +
                                         std::to_string(*pulled.ended)));
  }
  inbox_.push_front(Payload::copy(head), pulled.payload, *pulled.source, limits_.message_bytes_max);
  pull_ahead();
}

}  // namespace trestle::peers
