// Who drives a node: one leader at a time, most often the thread that waits for an outcome.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "engine/engine.hpp"
#include "engine/mutex.hpp"
#include "engine/spin_budget.hpp"

namespace trestle::engine {

/// Something that a thread waits for and that only turns bring. Finished at most once.
/// Lifetime: until finish() was called, or the wait ended otherwise.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Lock held, or after Leadership::wait().
  bool is_done() const noexcept { return done_; }

 private:
  friend class Leadership;

  bool done_ = false;
  bool is_parked_ = false;
  std::atomic<std::uint32_t> signal_{0};  // what ended the parking
  Waiter* next_ = nullptr;
};

/// What a leader does, and what it needs to know of the node.
class Turns {
 public:
  /// One round of all there is to do. The lock is held before and after, but not while user code
  /// runs. Returns how much was done.
  virtual std::size_t turn(Lock& lock) = 0;
  /// False: nothing can come that nobody waits for, so being without a leader for a moment delays
  /// nothing. Lock held.
  virtual bool must_be_led() const = 0;

 protected:
  ~Turns() = default;
};

/// Elects the leader of one engine: the blocked callers in order of arrival, or else the engine's
/// own thread. docs/threading.md has the protocol and why it loses no wake-up.
/// Threads: under the engine's lock, where not said otherwise.
class Leadership {
 public:
  Leadership(Engine& engine, Turns& turns, Spin spin);
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

  /// Starts the thread that leads when nobody else does. Lock not held.
  void start_thread();
  /// Ends and joins it. Lock not held. False: its turn does not end in time; it ends after that.
  bool stop_thread_within(std::chrono::nanoseconds at_most);
  /// After that was false: nobody will join it. Lock not held.
  void leave_thread() noexcept;

  /// Another policy from the next rest on.
  void set_spin(Spin spin) noexcept;

  /// Waits until `waiter` is done, driving as long as nobody else does. Releases the lock.
  void wait(Lock& lock, Waiter& waiter);
  /// The same, but where somebody else leads it takes no longer than that, whether turns end or
  /// not: false then, and `waiter` is not done.
  bool wait_at_most(Lock& lock, Waiter& waiter, std::chrono::nanoseconds at_most);

  /// wait() from user code that a turn of this thread runs: this thread leads already.
  void wait_within_turn(Lock& lock, Waiter& waiter);

  /// Makes this thread the leader for good, once who leads now is done; for the end of the node,
  /// after the thread has stopped. False: it is not done in time.
  bool take_over_within(Lock& lock, std::chrono::nanoseconds at_most);

  /// Ends the wait for `waiter`. Lock held, in a turn or out of it.
  void finish(Waiter& waiter) noexcept;

  /// Something is on its way that nobody waits for: the thread shall lead, if nobody does.
  void ensure_led() noexcept;

 private:
  enum class Leader { nobody, caller, thread };
  /// What the leader does out of its turns: nothing; spin or sleep, and nobody may relieve it; the
  /// same, but anybody may.
  enum class Rest { none, bound, free };
  /// How the thread waits for its turn to lead.
  enum class Standby { none, shallow, deep };

  /// Nobody leads for so long after a caller, in case that it calls again.
  static constexpr std::chrono::microseconds linger{200};
  /// While callers come and go, the thread looks ever more seldom whether it is needed: each look
  /// takes a CPU from somebody, most likely from who calls.
  static constexpr std::chrono::microseconds longest_pause{1600};

  bool may_lead() const noexcept;
  Seat seat() const noexcept { return leader_ == Leader::thread ? Seat::thread : Seat::caller; }
  void rest() noexcept { rest_ = nested_ == 0 ? Rest::free : Rest::bound; }
  void end_rest(Leader me) noexcept;
  void interrupt_rest() noexcept;
  std::uint32_t await_signal(Lock& lock, Waiter& waiter);
  /// Holds the lock again afterwards.
  std::uint32_t await_signal_at_most(Lock& lock, Waiter& waiter, std::chrono::nanoseconds at_most);
  void take_lead() noexcept;
  void lead(Lock& lock, const Waiter& waiter);
  void step(Lock& lock);
  std::chrono::nanoseconds offer_cpu() const;
  bool spin(Lock& lock, std::chrono::nanoseconds budget);
  void sleep(Lock& lock);
  void step_down() noexcept;

  void park(Waiter& waiter) noexcept;
  void unlink(Waiter& waiter) noexcept;
  void signal(Waiter& waiter, std::uint32_t what) noexcept;
  bool promote_next() noexcept;

  void run_thread();
  void stand_by(Lock& lock);
  /// Until its next look, while callers come and go.
  std::chrono::nanoseconds pause() const;
  bool is_lingering() const;
  void notify_thread() noexcept;

  Engine& engine_;
  Turns& turns_;
  SpinBudget spin_;
  Leader leader_ = Leader::nobody;
  Rest rest_ = Rest::none;
  bool look_again_ = false;  // the leader shall not go to sleep before it has looked
  int nested_ = 0;           // waits within turns of the leader
  Waiter* parked_first_ = nullptr;
  Waiter* parked_last_ = nullptr;

  std::thread thread_;
  bool stopping_ = false;
  Standby standby_ = Standby::none;
  std::atomic<std::uint32_t> thread_signal_{0};
  std::atomic<std::uint32_t> thread_ended_{0};  // it touches nothing of the node any more
  std::uint64_t leads_ended_ = 0;
  std::uint64_t leads_seen_ = 0;  // by the thread, when it last stood by
  TimePoint led_until_{0};
  TimePoint stands_by_since_{0};  // since then callers come and go, as far as the thread knows
};

}  // namespace trestle::engine
