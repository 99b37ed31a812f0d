// Posting remote reads and writes.
#include "bulk_transfers.hpp"

#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <algorithm>
#include <utility>

#include "device.hpp"

namespace trestle::ofi {

BulkTransfers::Operation* BulkTransfers::free_place() noexcept {
  const auto found = std::find_if(operations_.begin(), operations_.end(),
                                  [](const Operation& one) { return !one.is_used; });
  if (found != operations_.end()) return &*found;
  if (operations_.size() == operations_max) return nullptr;
  return &operations_.emplace_back();
}

tt_status BulkTransfers::get(const tt_bulk_range& range, std::uint64_t op) {
  Operation* const place = free_place();
  if (place == nullptr) return TT_E_AGAIN;
  auto memory = memory_.take(static_cast<std::size_t>(range.bytes));
  if (memory.has_error()) return memory.error().code;
  *place = {.is_used = true,
            .op = op,
            .range = range,
            .memory = std::move(*memory),
            .sequence = next_sequence_++};
  ++unposted_;
  return TT_PENDING;
}

tt_status BulkTransfers::put(std::span<const std::byte> bytes, const tt_bulk_range& range,
                             std::uint64_t op) {
  Operation* const place = free_place();
  if (place == nullptr) return TT_E_AGAIN;
  auto region = memory_.register_for_send(bytes, FI_WRITE);
  if (region.has_error()) return region.error().code;
  *place = {.is_used = true,
            .op = op,
            .range = range,
            .bytes = bytes,
            .region = std::move(*region),
            .sequence = next_sequence_++};
  ++unposted_;
  return TT_PENDING;
}

BulkTransfers::Operation* BulkTransfers::next_unposted() noexcept {
  Operation* first = nullptr;
  for (Operation& one : operations_) {
    if (!one.is_used || one.is_posted) continue;
    if (first == nullptr || one.sequence < first->sequence) first = &one;
  }
  return first;
}

ssize_t BulkTransfers::post(fid_ep& endpoint, Operation& operation, std::uint32_t number) {
  void* const context =
      OperationContext{connection_, OperationContext::Direction::bulk, number}.encode();
  const tt_bulk_range& range = operation.range;
  if (operation.memory != nullptr) {
    const std::span<std::byte> to = operation.memory->bytes();
    return fi_read(&endpoint, to.data(), to.size(), operation.memory->descriptor(), FI_ADDR_UNSPEC,
                   range.address, range.key, context);
  }
  void* const descriptor =
      operation.region == nullptr ? nullptr : fi_mr_desc(operation.region.get());
  return fi_write(&endpoint, operation.bytes.data(), operation.bytes.size(), descriptor,
                  FI_ADDR_UNSPEC, range.address, range.key, context);
}

BulkTransfers::Outcome BulkTransfers::post(fid_ep& endpoint, std::optional<Refusal>& refusal) {
  while (unposted_ > 0) {
    Operation& next = *next_unposted();
    const auto number = static_cast<std::uint32_t>(&next - operations_.data());
    const ssize_t failed = post(endpoint, next, number);
    if (failed == -FI_EAGAIN) return Outcome::full;
    next.is_posted = true;
    --unposted_;
    if (failed == 0) continue;
    refusal = Refusal{*finish(number), ofi_error("cannot access the other side's memory",
                                                 static_cast<int>(-failed))};
    return Outcome::refused;
  }
  return Outcome::all_posted;
}

std::optional<BulkTransfers::Ended> BulkTransfers::finish(std::uint32_t number) {
  if (number >= operations_.size() || !operations_[number].is_used) return std::nullopt;
  Operation& over = operations_[number];
  if (!over.is_posted) --unposted_;
  Ended ended{over.op, std::move(over.memory)};
  over = {};
  return ended;
}

std::optional<std::uint32_t> BulkTransfers::any() const noexcept {
  const auto found = std::find_if(operations_.begin(), operations_.end(),
                                  [](const Operation& one) { return one.is_used; });
  if (found == operations_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - operations_.begin());
}

}  // namespace trestle::ofi
