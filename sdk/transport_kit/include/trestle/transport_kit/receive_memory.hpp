// What the connections of a transport read into: shared, and given back when it is not needed.
#pragma once

#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/read_buffer.hpp>
#include <trestle/transport_kit/receive_pool.hpp>

#include <cstdint>

namespace trestle::transport_kit {

/// The buffer of small packets, and the pool of large ones, which shrinks when it is idle.
class ReceiveMemory final : public Pollable {
 public:
  /// `packet_bytes_max`: of the largest packet.
  ReceiveMemory(Loop& loop, std::uint64_t packet_bytes_max)
      : loop_(loop), pool_(loop.host(), packet_bytes_max) {}
  ~ReceiveMemory() override { loop_.forget(*this); }

  /// Of small packets; to be recycled when a round begins.
  ReadBuffer& shared() noexcept { return shared_; }
  /// Of large ones.
  ReceivePool& pool() noexcept { return pool_; }
  const ReceivePool& pool() const noexcept { return pool_; }  ///< likewise

  /// The host is done with a large packet.
  void release(tt_rx& rx);

 private:
  void on_deadline() override;
  void work() override {}

  Loop& loop_;
  ReadBuffer shared_;
  ReceivePool pool_;
  bool will_trim_ = false;
};

}  // namespace trestle::transport_kit
