// What a turn leads to: user code to run without the lock, and the answers that it gives.
#pragma once

#include <trestle/detail/unique_function.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
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

/// A queue that keeps its memory. Elements are moved out and popped before they run, so that what
/// runs may add.
template <class T>
class ReusedQueue {
 public:
  template <class Value>
  void push(Value&& value) {
    items_.emplace_back(std::forward<Value>(value));
  }
  bool empty() const noexcept { return next_ == items_.size(); }
  std::size_t size() const noexcept { return items_.size() - next_; }

  T& front() noexcept { return items_[next_]; }
  /// What was moved out of front() is gone already.
  void pop() noexcept {
    if (++next_ == items_.size()) {
      items_.clear();
      next_ = 0;
    }
  }

 private:
  std::vector<T> items_;
  std::size_t next_ = 0;
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
  using Item = std::variant<dispatch::Message, std::shared_ptr<dispatch::Train>, Completion,
                            PlainCallPtr, Action>;

  ReusedQueue<Item> items;
  std::vector<dispatch::Answer> answers;

  bool empty() const noexcept { return items.empty() && answers.empty(); }
};

}  // namespace trestle
