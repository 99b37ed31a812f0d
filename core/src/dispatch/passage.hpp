// The way of a run to its start, past all that bounds how many run at once.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <utility>

#include "dispatch/permits.hpp"

namespace trestle::dispatch {

/// What bounds runs, and how many may wait for it.
struct Gate {
  Permits* permits = nullptr;
  std::size_t waiting_max = 0;
};

/// One run on its way: it takes a permit at one gate after the other, and waits where there is
/// none. All who pass several gates pass them in the same order, so that no two wait for each
/// other. Threads: any.
class Passage {
 public:
  /// `through`: it has all permits. `waiting`: its task runs when it has the next one. `full`: too
  /// many wait there. `gone`: it has left.
  enum class Outcome { through, waiting, full, gone };

  /// Comes after those added before. Threads: one, before enter().
  void add_gate(const Gate& gate) noexcept { gates_[count_++] = gate; }
  bool is_gated() const noexcept { return count_ != 0; }

  /// `make_task()` makes what runs when the passage has inherited a permit; it calls inherit().
  template <class MakeTask>
  Outcome enter(MakeTask make_task) {
    const std::lock_guard lock(mutex_);
    return go_on(make_task);
  }

  /// The permit that it waited for is its own.
  template <class MakeTask>
  Outcome inherit(MakeTask make_task) {
    {
      const std::lock_guard lock(mutex_);
      if (!gone_) {
        ++passed_;
        return go_on(make_task);
      }
    }
    run(gates_[passed_].permits->release());
    return Outcome::gone;
  }

  /// No gate is before it any more. Threads: one, that which was just told.
  bool has_all() const noexcept { return passed_ == count_; }
  /// Where it waits, or would. Threads: one, that which was just told that it is full there.
  const Permits* here() const noexcept { return gates_[passed_].permits; }

  /// Gives back every permit that it has, and waits for none any more. Whoever inherits one goes on
  /// in here. Idempotent.
  void leave() {
    std::array<Permits*, gates_max> held{};
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(gone_, true)) return;
      // If it is not there any more, it is inheriting at this moment, and gives that one back.
      if (passed_ < count_) gates_[passed_].permits->withdraw(place_);
      for (std::size_t i = 0; i < passed_; ++i) held[i] = gates_[i].permits;
    }
    for (Permits* permits : held) {
      if (permits != nullptr) run(permits->release());
    }
  }

 private:
  static constexpr std::size_t gates_max = 3;

  static void run(Permits::Task next) {
    if (next) next();
  }

  template <class MakeTask>
  Outcome go_on(MakeTask& make_task) {
    for (; passed_ < count_; ++passed_) {
      const Gate& gate = gates_[passed_];
      place_ = {};  // one of another gate must not be taken for one of this
      const auto outcome = gate.permits->acquire(make_task(), gate.waiting_max, &place_);
      if (outcome == Permits::Outcome::queued) return Outcome::waiting;
      if (outcome == Permits::Outcome::full) return Outcome::full;
    }
    return Outcome::through;
  }

  std::mutex mutex_;
  std::array<Gate, gates_max> gates_;
  std::size_t count_ = 0;
  std::size_t passed_ = 0;  // of the gates
  WaitingLine::Place place_;
  bool gone_ = false;
};

}  // namespace trestle::dispatch
