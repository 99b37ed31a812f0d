// How many bytes of payloads may be held at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace trestle::dispatch {

/// Hands out shares of a number of bytes. Threads: any.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes_max)
      : bytes_max_(bytes_max), taken_(std::make_shared<std::atomic<std::size_t>>(0)) {}

  /// Gives its bytes back when it goes, also after the budget itself.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept = default;
    Share& operator=(Share&& other) noexcept {
      std::swap(taken_, other.taken_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (taken_ != nullptr) taken_->fetch_sub(bytes_, std::memory_order_relaxed);
    }

    /// False if there was no room for it.
    explicit operator bool() const noexcept { return taken_ != nullptr; }

   private:
    friend class ByteBudget;
    Share(std::shared_ptr<std::atomic<std::size_t>> taken, std::size_t bytes) noexcept
        : taken_(std::move(taken)), bytes_(bytes) {}

    std::shared_ptr<std::atomic<std::size_t>> taken_;
    std::size_t bytes_ = 0;
  };

  /// Empty if there is no room. While nothing is taken, a share of any size is given.
  Share take(std::size_t bytes) {
    const std::size_t before = taken_->fetch_add(bytes, std::memory_order_relaxed);
    Share share(taken_, bytes);
    if (before != 0 && (before > bytes_max_ || bytes > bytes_max_ - before)) return {};
    return share;
  }

  std::size_t bytes_max() const noexcept { return bytes_max_; }

 private:
  const std::size_t bytes_max_;
  // Relaxed: a number of bytes, it publishes nothing.
  std::shared_ptr<std::atomic<std::size_t>> taken_;
};

}  // namespace trestle::dispatch
