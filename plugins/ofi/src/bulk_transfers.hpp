// Remote reads and writes of one connection that are under way.
#pragma once

#include <trestle/ext/bulk.h>
#include <trestle/sdk/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "handles.hpp"
#include "message_memory.hpp"

namespace trestle::ofi {

/// Numbers operations, and keeps their memory until the provider is done with it.
class BulkTransfers {
 public:
  /// On a connection, beyond which the host is to wait.
  static constexpr std::uint32_t operations_max = 64;

  BulkTransfers(std::uint64_t connection, MessageMemory& memory) noexcept
      : connection_(connection), memory_(memory) {}

  /// What has ended.
  struct Ended {
    std::uint64_t op = 0;     ///< the host's
    MessageBufferPtr memory;  ///< what a get brought; null: a put
  };

  /// Begins a get or a put. TT_PENDING; TT_E_AGAIN: too many are under way; or why it cannot be.
  tt_status get(const tt_bulk_range& range, std::uint64_t op);
  tt_status put(std::span<const std::byte> bytes, const tt_bulk_range& range, std::uint64_t op);

  /// Gives libfabric what it has not got yet. False: it has no room, try again later. Errors: what
  /// it says to the first that it refuses, which is over with that.
  struct Refusal {
    Ended operation;
    sdk::Error why;
  };
  enum class Outcome { all_posted, full, refused };
  Outcome post(fid_ep& endpoint, std::optional<Refusal>& refusal);

  /// The operation of that number is over, if there is one.
  std::optional<Ended> finish(std::uint32_t number);
  /// The number of one that is under way, if there is any.
  std::optional<std::uint32_t> any() const noexcept;

 private:
  struct Operation {
    bool is_used = false;
    bool is_posted = false;
    std::uint64_t op = 0;
    tt_bulk_range range{};
    MessageBufferPtr memory{};           ///< of a get
    std::span<const std::byte> bytes{};  ///< of a put
    Handle<fid_mr> region{};             ///< of these, where the provider needs one
    std::uint64_t sequence = 0;
  };

  Operation* free_place() noexcept;
  Operation* next_unposted() noexcept;
  ssize_t post(fid_ep& endpoint, Operation& operation, std::uint32_t number);

  const std::uint64_t connection_;
  MessageMemory& memory_;
  std::vector<Operation> operations_;  ///< places, used again; an operation's number is its index
  std::size_t unposted_ = 0;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace trestle::ofi
