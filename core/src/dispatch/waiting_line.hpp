// Tasks that wait in order, each of which may leave the line before its turn.
#pragma once

#include <trestle/detail/unique_function.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace trestle::dispatch {

/// A FIFO. To leave it costs a search by halves, not a walk past all who wait: whoever cancels much
/// must not make others wait for the line's lock.
class WaitingLine {
 public:
  using Task = detail::UniqueFunction<void()>;

  /// Where a task waits. Whatever guards the line guards its places, too.
  class Place {
   private:
    friend class WaitingLine;
    std::uint64_t number_ = 0;  // none has waited yet
  };

  bool empty() const noexcept { return waiting_ == 0; }
  /// Those that left do not count.
  std::size_t size() const noexcept { return waiting_; }
  /// What they take up, all the same.
  std::size_t places() const noexcept { return line_.size(); }

  /// `place`, if any, is set for withdraw().
  void push(Task task, Place* place = nullptr) {
    line_.push_back({++last_, std::move(task)});
    ++waiting_;
    if (place != nullptr) place->number_ = last_;
  }

  /// The task whose turn it is; null if none waits.
  Task pop() {
    while (!line_.empty()) {
      Task next = std::move(line_.front().task);
      line_.pop_front();
      if (!next) continue;
      --waiting_;
      return next;
    }
    return nullptr;
  }

  /// The task that waits there; null if it has had its turn, or left.
  Task withdraw(const Place& place) {
    const auto found =
        std::lower_bound(line_.begin(), line_.end(), place.number_,
                         [](const Waiting& w, std::uint64_t number) { return w.number < number; });
    if (found == line_.end() || found->number != place.number_ || !found->task) return nullptr;
    Task left = std::exchange(found->task, nullptr);
    --waiting_;
    if (line_.size() > 2 * waiting_ + gaps_min) {
      std::erase_if(line_, [](const Waiting& w) { return !w.task; });
    }
    return left;
  }

 private:
  struct Waiting {
    std::uint64_t number = 0;
    Task task;  // null: it left
  };

  static constexpr std::size_t gaps_min = 16;  // fewer are not worth closing

  std::deque<Waiting> line_;  // in order of their numbers
  std::size_t waiting_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace trestle::dispatch
