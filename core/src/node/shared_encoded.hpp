// An argument that several messages carry.
#pragma once

#include <trestle/encoded.hpp>

#include <memory>
#include <utility>

namespace trestle {

/// Encoded once, lent to each message. Copyable. Threads: any.
class SharedEncoded {
 public:
  explicit SharedEncoded(Encoded value)
      : value_(std::make_shared<const Encoded>(std::move(value))) {}

  /// What one message carries; it keeps the bytes as long as it needs them.
  Encoded lend() const {
    if (value_->payload.empty()) return {value_->codec, {}, value_->headers};
    using Owner = std::shared_ptr<const Encoded>;
    auto owner = std::make_unique<Owner>(value_);
    const auto release = [](void* p) noexcept { delete static_cast<Owner*>(p); };
    return {value_->codec, Payload::lend(value_->payload.view(), release, owner.release()),
            value_->headers};
  }

 private:
  std::shared_ptr<const Encoded> value_;
};

}  // namespace trestle
