// Memory of the host that the other side of a connection reads or writes by itself.
#pragma once

#include <trestle/ext/bulk.h>
#include <trestle/sdk/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "handles.hpp"

namespace trestle::ofi {

/// A key that cannot be guessed. Errors: TT_E_FAILED: the system has no random bytes.
sdk::Result<std::uint64_t> random_key();

/// The regions that one connection offers. Lifetime: the domain's is longer.
class BulkRegions {
 public:
  /// `mode`: how the domain wants memory to be registered (FI_MR_*).
  BulkRegions(fid_domain& domain, std::uint64_t mode) noexcept : domain_(domain), mode_(mode) {}

  /// Opens `bytes`; `access` is TT_BULK_*. The range is what the other side needs.
  /// Errors: TT_E_INVALID; TT_E_NOMEM: the provider cannot register so much.
  sdk::Result<tt_bulk_region*> offer(std::span<std::byte> bytes, std::uint32_t access,
                                     tt_bulk_range& range);
  /// Closes it again. False: there is no such region.
  bool withdraw(const tt_bulk_region* region);
  /// All of them.
  void clear() noexcept { open_.clear(); }
  std::size_t size() const noexcept { return open_.size(); }

 private:
  fid_domain& domain_;
  const std::uint64_t mode_;
  std::vector<Handle<fid_mr>> open_;  ///< few; what tt_bulk_region is
};

}  // namespace trestle::ofi
