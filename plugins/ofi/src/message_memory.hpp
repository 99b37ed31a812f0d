// Memory of messages: from the host, registered where the provider asks for it, and used again.
#pragma once

#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/receive_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "handles.hpp"

namespace trestle::ofi {

class MessageMemory;

/// Counts the packets of one connection that the host holds. Lifetime: the connection's, and that
/// of the packets.
struct HeldPackets {
  std::int64_t count = 0;
  transport_kit::Pollable* waiting = nullptr;  ///< the connection, while it reads no further
};

/// A buffer and its registration, which is worth more than the buffer: it is made once and lives as
/// long. As `tt_event::rx` it travels through the C ABI with `as_rx`.
struct MessageBuffer {
  transport_kit::ReceiveBufferPtr memory;
  Handle<fid_mr> region;  ///< null: the provider needs none
  MessageMemory* home = nullptr;
  std::shared_ptr<HeldPackets> held{};  ///< while the host has it, if somebody counts

  std::span<std::byte> bytes() noexcept { return memory->bytes(); }
  /// What libfabric wants beside the address.
  void* descriptor() const noexcept {
    return region == nullptr ? nullptr : fi_mr_desc(region.get());
  }
};

using MessageBufferPtr = std::unique_ptr<MessageBuffer>;

/// Which memory of a domain is registered.
enum class Registration { none, local };

/// The buffers of one domain. Those that came back are kept, the registration with them, up to a
/// bound; the least recently used go first, and all that were not needed for a while.
/// Only the plugin's own memory is kept registered: of the host's nobody would say when it is
/// unmapped, and a stale registration sends another's bytes.
/// Lifetime: longer than its buffers; the domain's is longer.
class MessageMemory final : public transport_kit::Pollable {
 public:
  static constexpr std::size_t kept_bytes_max = 64 * 1024 * 1024;
  static constexpr std::size_t kept_buffers_max = 256;

  /// `access`: what libfabric does with the plugin's own memory.
  MessageMemory(transport_kit::Loop& loop, fid_domain& domain, Registration registration,
                std::uint64_t access = FI_SEND | FI_RECV);
  ~MessageMemory() override { loop_.forget(*this); }

  /// A buffer of `size` bytes. Errors: TT_E_NOMEM: the host has no memory, or the provider cannot
  /// register it, which is most often the limit of locked memory.
  sdk::Result<MessageBufferPtr> take(std::size_t size);
  /// Takes it back, and maybe keeps it.
  void give_back(MessageBufferPtr buffer);

  /// The host's own memory, for the time of one send, or of another `access`. Null, if no
  /// registration is needed. Errors: as `take`.
  sdk::Result<Handle<fid_mr>> register_for_send(std::span<const std::byte> bytes,
                                                std::uint64_t access = FI_SEND);

  /// `reader` may go on: a packet came back. Null: nobody waits for that.
  void resume(transport_kit::Pollable* reader);

  std::size_t kept_bytes() const noexcept { return kept_bytes_; }
  std::size_t kept_buffers() const noexcept { return kept_.size(); }

 private:
  void on_deadline() override;
  void work() override {}
  MessageBufferPtr take_kept(std::size_t size);
  sdk::Result<Handle<fid_mr>> register_bytes(std::span<const std::byte> bytes,
                                             std::uint64_t access);
  void forget_oldest(std::size_t count);

  transport_kit::Loop& loop_;
  fid_domain& domain_;
  const Registration registration_;
  const std::uint64_t access_;
  std::vector<MessageBufferPtr> kept_;  ///< the one used last is at the end
  std::size_t kept_bytes_ = 0;
  std::size_t unused_ = 0;  ///< so many, from the oldest on, were not needed for a while
  bool will_trim_ = false;
  std::uint64_t next_key_ = 1;
};

/// Packets that the host holds, of all domains of a transport.
class LentPackets {
 public:
  tt_rx* lend(MessageBufferPtr buffer) noexcept {
    ++count_;
    return reinterpret_cast<tt_rx*>(buffer.release());
  }
  void release(tt_rx& rx) {
    --count_;
    MessageBufferPtr buffer(reinterpret_cast<MessageBuffer*>(&rx));
    MessageMemory& home = *buffer->home;
    if (const auto held = std::exchange(buffer->held, nullptr)) {
      --held->count;
      home.resume(std::exchange(held->waiting, nullptr));
    }
    home.give_back(std::move(buffer));
  }
  std::size_t count() const noexcept { return count_; }

 private:
  std::size_t count_ = 0;
};

}  // namespace trestle::ofi
