// What the connections of a transport read into: shared, and given back when it is not needed.
#pragma once

#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/read_buffer.hpp>
#include <trestle/transport_kit/receive_pool.hpp>

#include <cstdint>

namespace trestle::tcp {

using transport_kit::Loop;
using transport_kit::Pollable;

/// The buffer of small packets, and the pool of large ones, which shrinks when it is idle.
class ReceiveMemory final : public Pollable {
 public:
  /// `packet_bytes_max`: of the largest packet.
  ReceiveMemory(Loop& loop, std::uint64_t packet_bytes_max)
      : loop_(loop), pool_(loop.host(), packet_bytes_max) {}
  ~ReceiveMemory() override { loop_.forget(*this); }

  transport_kit::ReadBuffer& shared() noexcept { return shared_; }
  transport_kit::ReceivePool& pool() noexcept { return pool_; }
  const transport_kit::ReceivePool& pool() const noexcept { return pool_; }

  /// The host is done with a large packet.
  void release(tt_rx& rx);

  void on_ready(std::uint32_t) override {}
  void on_deadline() override;
  void work() override {}

 private:
  Loop& loop_;
  transport_kit::ReadBuffer shared_;
  transport_kit::ReceivePool pool_;
  bool will_trim_ = false;
};

}  // namespace trestle::tcp
