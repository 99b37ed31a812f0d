// What a turn leads to: user code to run without the lock, and the answers that it gives.
#pragma once

#include <trestle/detail/unique_function.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dispatch/message.hpp"
#include "dispatch/train.hpp"
#include "node/plain_call.hpp"

namespace trestle::detail {
class CallState;
}

namespace trestle {

/// A call that has something to tell to user code.
struct Completion {
  std::shared_ptr<detail::CallState> call;
};

/// A call whose outcome is to be delivered.
using PlainCallPtr = std::unique_ptr<detail::PlainCall>;

using Action = detail::UniqueFunction<void()>;

/// A queue of variants that keeps its memory, and each element where it is until it ended: what is
/// run may add others, and run those before it ends.
template <class T>
class ReusedQueue {
 public:
  /// Where the next element is to be made.
  T& add() {
    if (end_ + first_items == first_items << chunks_.size()) {
      chunks_.push_back(std::make_unique<T[]>(first_items << chunks_.size()));
    }
    return at(end_++);
  }
  template <class Value>
  void push(Value&& value) {
    add().template emplace<std::decay_t<Value>>(std::forward<Value>(value));
  }
  bool empty() const noexcept { return next_ == end_; }
  std::size_t size() const noexcept { return end_ - next_; }

  /// The next one; pop() or take() it.
  T& front() noexcept { return at(next_); }
  void pop() noexcept { end(take()); }

  /// One that is being run.
  struct Taken {
    T& item;
    std::size_t floor;  ///< of those that come when there are no others
  };
  /// Takes the next element out of the line; end() follows, for the one that was taken last first.
  Taken take() noexcept { return take(front()); }
  /// The same, of whoever has looked at it already.
  Taken take(T& next) noexcept {
    const Taken taken{next, floor_};
    floor_ = ++next_;
    return taken;
  }
  /// What it holds is destroyed.
  void end(const Taken& taken) noexcept {
    taken.item.template emplace<std::monostate>();
    floor_ = taken.floor;
    if (next_ == end_) next_ = end_ = floor_;
  }

 private:
  static constexpr std::size_t first_items = 16;

  T& at(std::size_t index) noexcept {
    return index < first_items ? chunks_.front()[index] : at_later(index);
  }
  [[gnu::noinline]] T& at_later(std::size_t index) noexcept {
    // Each chunk has twice the items of the one before, so that its first place, moved by
    // first_items, is a power of two.
    const std::size_t place = index + first_items;
    const std::size_t first = std::bit_floor(place);
    return chunks_[static_cast<std::size_t>(std::countr_zero(first / first_items))][place - first];
  }

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::size_t floor_ = 0;  // behind those that are being run
  std::size_t next_ = 0;
  std::size_t end_ = 0;
};

/// Actions that any thread may add and that the next turn runs. Threads: any.
class DeferredActions {
 public:
  /// Wake the leader after it.
  void add(Action action) {
    const std::lock_guard lock(mutex_);
    actions_.push_back(std::move(action));
    any_.store(true, std::memory_order_seq_cst);
  }
  bool empty() const noexcept { return !any_.load(std::memory_order_seq_cst); }
  std::vector<Action> take() {
    const std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_relaxed);  // written under the mutex alone
    return std::exchange(actions_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Action> actions_;
  // seq_cst: who adds stores it and then asks whether somebody sleeps, who wants to sleep says so
  // and then loads it. With anything weaker both could miss each other.
  std::atomic<bool> any_{false};
};

/// Threads: the leader. What turns within turns add comes after what their outer turn left.
struct LeaderWork {
  using Item = std::variant<std::monostate, dispatch::Message, std::shared_ptr<dispatch::Train>,
                            Completion, PlainCallPtr, Action>;

  ReusedQueue<Item> items;
  std::vector<dispatch::Answer> answers;

  bool empty() const noexcept { return items.empty() && answers.empty(); }
};

}  // namespace trestle
