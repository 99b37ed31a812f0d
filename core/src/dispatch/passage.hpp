// The way of a run to its start, past all that bounds how many run at once.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "dispatch/permits.hpp"
#include "memory/block_allocator.hpp"

namespace trestle::dispatch {

/// What bounds runs, and how many may wait for it.
struct Gate {
  Permits* permits = nullptr;
  std::size_t waiting_max = 0;
};

/// One run on its way: it takes a permit at one gate after the other, and waits where there is
/// none. All who pass several gates pass them in the same order, so that no two wait for each
/// other. One without gates is but a pointer. Threads: any.
class Passage {
 public:
  /// `through`: it has all permits. `waiting`: its task runs when it has the next one. `full`: too
  /// many wait there. `gone`: it has left.
  enum class Outcome { through, waiting, full, gone };

  /// Comes after those added before. Threads: one, before enter().
  void add_gate(const Gate& gate) {
    if (way_ == nullptr) way_ = std::make_unique<Way>();
    way_->gates[way_->count++] = gate;
  }
  bool is_gated() const noexcept { return way_ != nullptr; }

  /// `make_task()` makes what runs when the passage has inherited a permit; it calls inherit().
  template <class MakeTask>
  Outcome enter(MakeTask make_task) {
    if (way_ == nullptr) return Outcome::through;
    const std::lock_guard lock(way_->mutex);
    return way_->go_on(make_task);
  }

  /// The permit that it waited for is its own.
  template <class MakeTask>
  Outcome inherit(MakeTask make_task) {
    {
      const std::lock_guard lock(way_->mutex);
      if (!way_->gone) {
        ++way_->passed;
        return way_->go_on(make_task);
      }
    }
    run(way_->gates[way_->passed].permits->release());
    return Outcome::gone;
  }

  /// No gate is before it any more. Threads: one, that which was just told.
  bool has_all() const noexcept { return way_ == nullptr || way_->passed == way_->count; }
  /// Where it waits, or would. Threads: one, that which was just told that it is full there.
  const Permits* here() const noexcept { return way_->gates[way_->passed].permits; }

  /// Gives back every permit that it has, and waits for none any more. Whoever inherits one goes on
  /// in here. Idempotent.
  void leave() {
    if (way_ == nullptr) return;
    std::array<Permits*, gates_max> held{};
    {
      const std::lock_guard lock(way_->mutex);
      if (std::exchange(way_->gone, true)) return;
      const std::size_t passed = way_->passed;
      // If it is not there any more, it is inheriting at this moment, and gives that one back.
      if (passed < way_->count) way_->gates[passed].permits->withdraw(way_->place);
      for (std::size_t i = 0; i < passed; ++i) held[i] = way_->gates[i].permits;
    }
    for (Permits* permits : held) {
      if (permits != nullptr) run(permits->release());
    }
  }

 private:
  static constexpr std::size_t gates_max = 3;

  /// Where it is.
  struct Way {
    static void* operator new(std::size_t size) { return memory::allocate(size); }
    static void operator delete(void* way, std::size_t size) noexcept {
      memory::deallocate(way, size);
    }

    template <class MakeTask>
    Outcome go_on(MakeTask& make_task) {
      for (; passed < count; ++passed) {
        const Gate& gate = gates[passed];
        place = {};  // one of another gate must not be taken for one of this
        const auto outcome = gate.permits->acquire(make_task(), gate.waiting_max, &place);
        if (outcome == Permits::Outcome::queued) return Outcome::waiting;
        if (outcome == Permits::Outcome::full) return Outcome::full;
      }
      return Outcome::through;
    }

    std::mutex mutex;
    std::array<Gate, gates_max> gates{};
    std::size_t count = 0;
    std::size_t passed = 0;  // of the gates
    WaitingLine::Place place;
    bool gone = false;
  };

  static void run(Permits::Task next) {
    if (next) next();
  }

  std::unique_ptr<Way> way_;
};

}  // namespace trestle::dispatch
