// Bytes that several messages carry.
#pragma once

#include <trestle/payload.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace trestle {

/// Bytes made once, lent to each message. Copyable. Threads: any.
class SharedPayload {
 public:
  SharedPayload() noexcept = default;
  explicit SharedPayload(Payload bytes)
      : bytes_(std::make_shared<const Payload>(std::move(bytes))) {}

  /// What one message carries; it keeps the bytes as long as it needs them.
  static Payload lend(const std::shared_ptr<const Payload>& bytes) {
    if (bytes == nullptr) return {};
    // A recycled block is cheaper than a share, and so much is copied into its packet anyway.
    if (bytes->size() < share_bytes_min) return Payload::copy(bytes->view());
    using Share = std::shared_ptr<const Payload>;
    auto share = std::make_unique<Share>(bytes);
    return Payload::lend(
        bytes->view(), [](void* owner) noexcept { delete static_cast<Share*>(owner); },
        share.release());
  }
  Payload lend() const { return lend(bytes_); }

 private:
  static constexpr std::size_t share_bytes_min = 4096;

  std::shared_ptr<const Payload> bytes_;
};

}  // namespace trestle
