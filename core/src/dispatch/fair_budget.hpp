// How much may wait for handlers at once, shared fairly by all connections.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace trestle::dispatch {

/// Hands out shares of a number. Who holds some already gets more only as long as it then holds no
/// more than what is left for all others: one alone gets half, two get a third each, and whoever
/// comes next finds some. Threads: any.
///
/// Source: dynamic thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998.
class FairBudget {
 public:
  /// What one connection holds. Lifetime: longer than its shares.
  class Holder {
   public:
    std::size_t amount() const noexcept { return amount_.load(std::memory_order_relaxed); }

   private:
    friend class FairBudget;
    std::atomic<std::size_t> amount_{0};
  };

  /// Holders get shares up to `modest` whatever others hold: for small amounts that have another
  /// bound, too.
  explicit FairBudget(std::size_t amount_max, std::size_t modest = 0)
      : amount_max_(amount_max),
        modest_(modest),
        taken_(std::make_shared<std::atomic<std::size_t>>(0)) {}

  /// Gives its part back when it goes, also after the budget itself.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept = default;
    Share& operator=(Share&& other) noexcept {
      std::swap(taken_, other.taken_);
      std::swap(holder_, other.holder_);
      std::swap(amount_, other.amount_);
      return *this;
    }
    ~Share() {
      if (taken_ == nullptr) return;
      taken_->fetch_sub(amount_, std::memory_order_relaxed);
      holder_->amount_.fetch_sub(amount_, std::memory_order_relaxed);
    }

    /// False if there was no room for it.
    explicit operator bool() const noexcept { return taken_ != nullptr; }

   private:
    friend class FairBudget;
    Share(std::shared_ptr<std::atomic<std::size_t>> taken, Holder& holder,
          std::size_t amount) noexcept
        : taken_(std::move(taken)), holder_(&holder), amount_(amount) {}

    std::shared_ptr<std::atomic<std::size_t>> taken_;
    Holder* holder_ = nullptr;
    std::size_t amount_ = 0;
  };

  /// Empty if there is no room. While nothing is taken, a share of any size is given.
  Share take(Holder& holder, std::size_t amount) {
    const std::size_t before = taken_->fetch_add(amount, std::memory_order_relaxed);
    const std::size_t held = holder.amount_.fetch_add(amount, std::memory_order_relaxed);
    Share share(taken_, holder, amount);
    if (before == 0 || held + amount <= modest_) return share;
    const std::size_t left = amount_max_ - std::min(before, amount_max_);
    if (amount > left) return {};
    if (held != 0 && held + amount > left - amount) return {};
    return share;
  }

  std::size_t amount_max() const noexcept { return amount_max_; }
  std::size_t amount_taken() const noexcept { return taken_->load(std::memory_order_relaxed); }

 private:
  const std::size_t amount_max_;
  const std::size_t modest_;
  // Relaxed: numbers, they publish nothing.
  std::shared_ptr<std::atomic<std::size_t>> taken_;
};

}  // namespace trestle::dispatch
