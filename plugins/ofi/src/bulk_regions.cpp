// Registering what others may access.
#include "bulk_regions.hpp"

#include <rdma/fi_errno.h>
#include <sys/random.h>
#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace trestle::ofi {

sdk::Result<std::uint64_t> random_key() {
  std::uint64_t key = 0;
  if (::getrandom(&key, sizeof(key), 0) == sizeof(key)) return key;
  return ofi_error("cannot make a key for a region", errno);
}

sdk::Result<tt_bulk_region*> BulkRegions::offer(std::span<std::byte> bytes, std::uint32_t access,
                                                tt_bulk_range& range) {
  constexpr std::uint32_t known = TT_BULK_READ | TT_BULK_WRITE;
  if (bytes.empty() || access == 0 || (access & ~known) != 0) {
    return sdk::Error(TT_E_INVALID, "a region has at least one byte, and TT_BULK_READ or _WRITE");
  }
  const std::uint64_t remote = ((access & TT_BULK_READ) != 0 ? FI_REMOTE_READ : 0) |
                               ((access & TT_BULK_WRITE) != 0 ? FI_REMOTE_WRITE : 0);
  const auto key = random_key();
  if (key.has_error()) return key.error();
  auto region = open_handle<fid_mr>(
      "open " + std::to_string(bytes.size()) + " bytes to the other side", [&](fid_mr** raw) {
        return fi_mr_reg(&domain_, bytes.data(), bytes.size(), remote, 0, *key, 0, raw, nullptr);
      });
  if (region.has_error()) {
    sdk::Error error = region.error();
    error.code = TT_E_NOMEM;
    error.text += "; does the limit of locked memory (ulimit -l) suffice?";
    return error;
  }
  const bool has_addresses = (mode_ & FI_MR_VIRT_ADDR) != 0;
  range = {.key = fi_mr_key(region->get()),
           .address = has_addresses ? reinterpret_cast<std::uintptr_t>(bytes.data()) : 0,
           .bytes = bytes.size()};
  open_.push_back(std::move(*region));
  return reinterpret_cast<tt_bulk_region*>(open_.back().get());
}

bool BulkRegions::withdraw(const tt_bulk_region* region) {
  return std::erase_if(open_, [region](const Handle<fid_mr>& one) {
           return reinterpret_cast<const tt_bulk_region*>(one.get()) == region;
         }) != 0;
}

}  // namespace trestle::ofi
