// Payloads that the peer reads out of this node's memory.
#pragma once

#include <trestle/payload.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/transport.hpp"
#include "peers/bulk_pulls.hpp"
#include "peers/outbox.hpp"

namespace trestle::peers {

/// A payload that stays where it is until the peer has it.
struct BulkLease {
  std::uint64_t number = 0;
  FrameNumber frame = 0;  ///< that told the peer of it
  Payload payload{};
  tt_bulk_region* region = nullptr;
};

/// Those of one connection: few, and of bounded size. Threads: under the engine's lock.
class BulkLeases {
 public:
  /// Beyond so many bytes payloads travel in packets, which wait for room.
  static constexpr std::size_t bytes_max = 64 * 1024 * 1024;

  /// Of what the peer has not got yet, as `empty`.
  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return leases_.empty(); }
  bool has_room(std::size_t payload_bytes) const noexcept {
    const std::size_t bytes = bytes_ + retiring_bytes_;
    return payload_bytes <= bytes_max && bytes <= bytes_max - payload_bytes;
  }
  std::uint64_t next_number() noexcept { return ++last_number_; }

  void add(BulkLease lease) {
    bytes_ += lease.payload.size();
    leases_.push_back(std::move(lease));
  }
  /// Takes it out. Empty: there is no such lease, or no more.
  std::optional<BulkLease> take(std::uint64_t number) {
    return take_if([number](const BulkLease& one) { return one.number == number; });
  }
  /// The same, by its frame.
  std::optional<BulkLease> take_of_frame(FrameNumber frame) {
    return take_if([frame](const BulkLease& one) { return one.frame == frame; });
  }
  /// One that was taken out, and whose memory the transport may still read.
  void retire(BulkLease lease) {
    retiring_bytes_ += lease.payload.size();
    retiring_.push_back(std::move(lease));
  }
  /// It does not any more. Empty: there is no such lease.
  std::optional<Payload> take_retired(std::uint64_t number) {
    const auto found = std::find_if(retiring_.begin(), retiring_.end(),
                                    [&](const BulkLease& one) { return one.number == number; });
    if (found == retiring_.end()) return std::nullopt;
    Payload payload = std::move(found->payload);
    retiring_.erase(found);
    retiring_bytes_ -= payload.size();
    return payload;
  }
  /// Ends all; the transport does not read them any more, or whoever gets them waits for that.
  void clear(std::vector<Payload>& done) {
    for (BulkLease& lease : leases_) done.push_back(std::move(lease.payload));
    for (BulkLease& lease : retiring_) done.push_back(std::move(lease.payload));
    leases_.clear();
    retiring_.clear();
    bytes_ = retiring_bytes_ = 0;
  }

 private:
  template <class Fits>
  std::optional<BulkLease> take_if(Fits fits) {
    const auto found = std::find_if(leases_.begin(), leases_.end(), fits);
    if (found == leases_.end()) return std::nullopt;
    BulkLease lease = std::move(*found);
    leases_.erase(found);
    bytes_ -= lease.payload.size();
    return lease;
  }

  std::vector<BulkLease> leases_;
  std::vector<BulkLease> retiring_;
  std::size_t retiring_bytes_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
};

/// What a connection with tt.bulk has; most have not, and idle ones shall cost little.
struct BulkState {
  engine::BulkTerms terms;
  BulkLeases leases{};
  BulkPulls pulls{};
};

}  // namespace trestle::peers
