// Payloads that do not travel in packets: lent to the peer, and pulled from it.
#include <algorithm>
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {

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
  if (bulk_ != nullptr) end_lease(bulk_->leases.take(pulled.lease));
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

bool Connection::handle(const wire::Pull& pull) {
  if (bulk_ == nullptr) {
    return violated(Error(Errc::protocol_error, "a pull frame, which this side did not offer"));
  }
  const std::size_t frame_bytes = pull.frame.size() + pull.payload_bytes;
  const std::size_t most = std::min(limits_.message_bytes_max, bulk_->terms.bytes_max);
  if (frame_bytes > most) {
    return violated(Error(Errc::protocol_error, "a pull frame for " + std::to_string(frame_bytes) +
                                                    " bytes, the limit is " +
                                                    std::to_string(most)));
  }
  if (checksum_rule_ == wire::ChecksumRule::required && !pull.payload_sum) {
    return violated(Error(Errc::protocol_error,
                          "a pull frame without a checksum, and both sides agreed on them"));
  }
  if (conn_ == nullptr) {  // the transport's end of it is gone, and the memory with it
    abort(Error(Errc::connection_lost, "the peer ended before its payload was read"));
    return false;
  }
  wire::Buffer start;
  wire::begin_packet(start);
  const tt_bulk_range range{.key = pull.key, .address = pull.address, .bytes = pull.payload_bytes};
  const tt_status status = transport_->get(conn_, range, pull.lease);
  if (status < 0) {
    abort(Error(engine::errc_of(status), "the transport cannot read a payload of " +
                                             std::to_string(pull.payload_bytes) +
                                             " bytes from the peer"));
    return false;
  }
  bulk_->pull.emplace(BulkPull{.lease = pull.lease, .payload_sum = pull.payload_sum, .head = {}});
  std::string& head = bulk_->pull->head;
  head.append(reinterpret_cast<const char*>(start.data()), start.size());
  head.append(as_text(pull.frame));
  return true;
}

void Connection::on_bulk(std::uint64_t op, tt_status status, BytesView bytes,
                         engine::PacketSource& source) {
  if (!is_pulling() || bulk_->pull->lease != op) return;
  const BulkPull pulled = *std::exchange(bulk_->pull, std::nullopt);
  if (is_closing()) return;
  if (status < 0) {
    return abort(Error(
        Errc::connection_lost,
        "a payload that the peer announced cannot be read, status " + std::to_string(status)));
  }
  if (!is_intact(bytes, pulled.payload_sum)) return;
  pulse_.heard_at = engine_.recent_time();
  outbox_.add(wire::Pulled{pulled.lease});
  events_.on_output(*this);
  // As if it had come in a packet of its own, before all that waited for it.
  inbox_.push_front(Payload::copy(pulled.head), bytes, source, limits_.message_bytes_max);
  read_on();
}

}  // namespace trestle::peers
