// Remote reads and writes of a connection: the extension tt.bulk.
#include <algorithm>
#include <utility>

#include "connection.hpp"

namespace trestle::ofi {

std::uint64_t Connection::bulk_bytes_max() const noexcept {
  return std::min<std::uint64_t>(shared_.limits.packet_bytes_max,
                                 endpoint_info_->ep_attr->max_msg_size);
}

sdk::Result<tt_bulk_region*> Connection::offer(std::span<std::byte> bytes, std::uint32_t access,
                                               tt_bulk_range& range) {
  return regions_->offer(bytes, access, range);
}

void Connection::withdraw(const tt_bulk_region* region) {
  if (regions_) regions_->withdraw(region);
}

tt_status Connection::retire(const tt_bulk_region* region, std::uint64_t op) {
  withdraw(region);
  if (state_ == State::closed || !device_->serves_reads_in_software()) return TT_OK;
  retired_.add(op);
  send_fence();
  return TT_PENDING;
}

/// Without credits, or once the other side has ended, it has to wait: for credits, or for the end.
void Connection::send_fence() {
  if (!retired_.needs_fence() || peer_ended_) return;
  if (state_ != State::up && state_ != State::flushing) return;
  if (!sender_->may_send_control()) return;
  const std::uint32_t number = sender_->next_number();
  if (!went(sender_->send(MessageKind::credit, {}, {}))) return;
  in_flight_.emplace_back(number, nullptr);
  retired_.begin_fence(number);
}

void Connection::end_retired(std::uint32_t message) {
  for (const std::uint64_t op : retired_.end_fence(message)) {
    shared_.loop.tell(source(), TT_EV_BULK, TT_OK, op);
  }
}

tt_status Connection::get(const tt_bulk_range& range, std::uint64_t op) {
  if (range.bytes == 0) return TT_E_INVALID;
  if (range.bytes > bulk_bytes_max()) return TT_E_TOOBIG;
  const tt_status status = transfers_->get(range, op);
  if (status == TT_PENDING) send_bulk();
  return status;
}

tt_status Connection::put(std::span<const std::byte> bytes, const tt_bulk_range& range,
                          std::uint64_t op) {
  if (bytes.empty() || bytes.size() > range.bytes) return TT_E_INVALID;
  if (bytes.size() > bulk_bytes_max()) return TT_E_TOOBIG;
  const tt_status status = transfers_->put(bytes, range, op);
  if (status == TT_PENDING) send_bulk();
  return status;
}

/// As much as the provider takes.
void Connection::send_bulk() {
  if (!transfers_ || endpoint_ == nullptr || peer_ended_) return;
  std::optional<BulkTransfers::Refusal> refusal;
  auto outcome = BulkTransfers::Outcome::refused;
  while (outcome == BulkTransfers::Outcome::refused) {
    outcome = transfers_->post(*endpoint_, refusal);
    if (outcome != BulkTransfers::Outcome::refused) break;
    shared_.loop.host().log(TT_LOG_WARN, info_.peer_uri + ": " + refusal->why.text);
    end_bulk(std::move(refusal->operation), refusal->why.code);
    shared_.loop.host().wake();
  }
  if (outcome == BulkTransfers::Outcome::full && state_ == State::up) {
    shared_.loop.set_deadline(*this, shared_.loop.host().now() + retry_time);
  }
}

void Connection::on_bulk(std::uint32_t operation, int failed, const std::string& text) {
  if (!transfers_ || state_ == State::closed) return;
  auto ended = transfers_->finish(operation);
  if (!ended) return;
  if (failed != 0) {
    shared_.loop.host().log(TT_LOG_DEBUG, info_.peer_uri + ": a remote access failed: " + text);
  }
  end_bulk(std::move(*ended), failed == 0 ? TT_OK : status_of(failed));
  send_bulk();
}

void Connection::end_bulk(BulkTransfers::Ended ended, tt_status status) {
  tt_event event{};
  event.kind = TT_EV_BULK;
  event.status = status;
  event.conn = handle();
  event.op = ended.op;
  if (ended.memory != nullptr && status == TT_OK) {
    event.data = ended.memory->bytes().data();
    event.len = ended.memory->bytes().size();
    event.rx = shared_.lent.lend(std::move(ended.memory));
  } else if (ended.memory != nullptr) {
    device_->memory().give_back(std::move(ended.memory));
  }
  shared_.loop.emit(event, &user_);
}

/// The endpoint was closed before: libfabric touches none of this memory any more.
void Connection::drop_bulk(tt_status status) {
  if (!transfers_) return;
  for (const std::uint64_t op : retired_.take_all()) {
    shared_.loop.tell(source(), TT_EV_BULK, TT_OK, op);
  }
  while (const auto number = transfers_->any()) end_bulk(*transfers_->finish(*number), status);
  regions_->clear();
}

}  // namespace trestle::ofi
