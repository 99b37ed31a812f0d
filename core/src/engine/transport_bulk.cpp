// The extension tt.bulk of a transport.
#include "engine/transport.hpp"

namespace trestle::engine {

std::optional<BulkTerms> Transport::bulk_terms(tt_conn* conn) const noexcept {
  if (bulk_ == nullptr) return std::nullopt;
  tt_bulk_limits limits{};
  limits.size = sizeof(limits);
  if (bulk_->limits(handle_, conn, &limits) != TT_OK) return std::nullopt;
  return BulkTerms{.bytes_min = limits.bytes_min, .bytes_max = limits.bytes_max};
}

std::optional<BulkOffer> Transport::offer(tt_conn* conn, BytesView bytes) noexcept {
  BulkOffer offer;
  // Memory for reading alone: what the other side may do says the access.
  void* const start = const_cast<std::byte*>(bytes.data());
  const tt_status status = bulk_->offer(handle_, conn, start, bytes.size(), TT_BULK_READ,
                                        &offer.range, &offer.region, nullptr);
  if (status != TT_OK) return std::nullopt;
  return offer;
}

void Transport::withdraw(tt_conn* conn, tt_bulk_region* region) noexcept {
  bulk_->withdraw(handle_, conn, region);
}

tt_status Transport::retire(tt_conn* conn, tt_bulk_region* region, std::uint64_t op) noexcept {
  if (TT_HAS(tt_bulk, bulk_, retire)) return bulk_->retire(handle_, conn, region, op);
  bulk_->withdraw(handle_, conn, region);
  return TT_OK;
}

tt_status Transport::get(tt_conn* conn, const tt_bulk_range& range, std::uint64_t op) noexcept {
  return bulk_->get(handle_, conn, &range, op);
}

}  // namespace trestle::engine
