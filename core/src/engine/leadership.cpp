// Election, promotion, and the thread that leads when nobody waits.
#include "engine/leadership.hpp"

#include <algorithm>
#include <utility>

#include "platform/futex.hpp"
#include "platform/relax.hpp"

namespace trestle::engine {
namespace {

// What a parked waiter is told.
constexpr std::uint32_t nothing_yet = 0;
constexpr std::uint32_t finished = 1;
constexpr std::uint32_t promoted = 2;

// How long a spinning leader stays out of the lock for those who want it.
constexpr int yield_rounds_max = 2000;

}  // namespace

Leadership::Leadership(Engine& engine, Turns& turns, Spin spin)
    : engine_(engine), turns_(turns), spin_(spin) {}

void Leadership::set_spin(Spin spin) noexcept {
  spin_ = SpinBudget(spin);
}

// ---- Callers ----

void Leadership::wait(Lock& lock, Waiter& waiter) {
  if (!waiter.done_ && may_lead()) {
    take_lead();
  } else if (!waiter.done_) {
    if (await_signal(lock, waiter) == finished) return;
    lock.lock();
  } else {
    lock.unlock();
    return;
  }
  lead(lock, waiter);
  step_down();
  lock.unlock();
}

std::uint32_t Leadership::await_signal(Lock& lock, Waiter& waiter) {
  park(waiter);
  lock.unlock();
  std::uint32_t told = nothing_yet;
  // acquire: pairs with the release in signal(); the outcome was written before it.
  while ((told = waiter.signal_.load(std::memory_order_acquire)) == nothing_yet) {
    platform::futex_wait(waiter.signal_, nothing_yet);
  }
  return told;
}

bool Leadership::wait_at_most(Lock& lock, Waiter& waiter, std::chrono::nanoseconds at_most) {
  if (waiter.done_ || may_lead()) {
    wait(lock, waiter);
    return true;
  }
  const std::uint32_t told = await_signal_at_most(lock, waiter, at_most);
  if (told == promoted) {
    lead(lock, waiter);
    step_down();
  }
  lock.unlock();
  return told != nothing_yet;
}

std::uint32_t Leadership::await_signal_at_most(Lock& lock, Waiter& waiter,
                                               std::chrono::nanoseconds at_most) {
  const TimePoint until = engine_.time_after(at_most);
  park(waiter);
  lock.unlock();
  // acquire: as in await_signal().
  while (waiter.signal_.load(std::memory_order_acquire) == nothing_yet) {
    const auto left = until - engine_.now();
    if (left <= std::chrono::nanoseconds::zero()) break;
    platform::futex_wait(waiter.signal_, nothing_yet, left);
  }
  lock.lock();
  // Told at the last moment counts: who was promoted has to lead.
  if (waiter.is_parked_) unlink(waiter);
  // relaxed: it was written under the lock.
  return waiter.signal_.load(std::memory_order_relaxed);
}

void Leadership::wait_within_turn(Lock& lock, Waiter& waiter) {
  // Nobody may relieve a leader whose turn is not over: the rest of it runs on this stack.
  ++nested_;
  lead(lock, waiter);
  --nested_;
  lock.unlock();
}

bool Leadership::take_over_within(Lock& lock, std::chrono::nanoseconds at_most) {
  if (leader_ == Leader::nobody) {
    leader_ = Leader::caller;
    return true;
  }
  Waiter last;
  return await_signal_at_most(lock, last, at_most) == promoted;
}

void Leadership::finish(Waiter& waiter) noexcept {
  waiter.done_ = true;
  // If its thread leads, a turn of its own ends the wait and it sees that. Anybody else has to
  // tell.
  if (!waiter.is_parked_) return interrupt_rest();
  unlink(waiter);
  signal(waiter, finished);
}

void Leadership::ensure_led() noexcept {
  if (leader_ != Leader::nobody) return;
  led_until_ = TimePoint(0);
  notify_thread();
}

bool Leadership::may_lead() const noexcept {
  return leader_ == Leader::nobody || (leader_ == Leader::thread && rest_ == Rest::free);
}

void Leadership::take_lead() noexcept {
  // Two threads must never sleep for the same events.
  if (leader_ == Leader::thread) engine_.wake(Seat::thread);
  rest_ = Rest::none;
  leader_ = Leader::caller;
}

void Leadership::end_rest(Leader me) noexcept {
  // Who was relieved leaves the rest of its successor alone.
  if (leader_ == me) rest_ = Rest::none;
}

void Leadership::interrupt_rest() noexcept {
  // Also a leader that does not rest now may be about to: a turn drops the lock in places.
  look_again_ = true;
  if (rest_ != Rest::none) engine_.wake(seat());
}

void Leadership::step_down() noexcept {
  ++leads_ended_;
  if (promote_next()) return;
  leader_ = Leader::nobody;
  if (turns_.must_be_led()) {
    led_until_ = TimePoint(0);
    notify_thread();
  } else {
    led_until_ = engine_.now();
    if (standby_ == Standby::deep) notify_thread();
  }
}

// ---- Parked callers ----

void Leadership::park(Waiter& waiter) noexcept {
  waiter.is_parked_ = true;
  waiter.next_ = nullptr;
  (parked_last_ != nullptr ? parked_last_->next_ : parked_first_) = &waiter;
  parked_last_ = &waiter;
}

void Leadership::unlink(Waiter& waiter) noexcept {
  Waiter* before = nullptr;
  for (Waiter* at = parked_first_; at != &waiter; at = at->next_) before = at;
  (before != nullptr ? before->next_ : parked_first_) = waiter.next_;
  if (parked_last_ == &waiter) parked_last_ = before;
  waiter.is_parked_ = false;
}

void Leadership::signal(Waiter& waiter, std::uint32_t what) noexcept {
  // release: pairs with the acquire in wait(). After this the waiter may be gone; its address is
  // all that the wake-up needs.
  std::atomic<std::uint32_t>& word = waiter.signal_;
  word.store(what, std::memory_order_release);
  platform::futex_wake_one(word);
}

bool Leadership::promote_next() noexcept {
  if (parked_first_ == nullptr) return false;
  leader_ = Leader::caller;
  Waiter& next = *parked_first_;
  unlink(next);
  signal(next, promoted);
  return true;
}

// ---- Leading ----

void Leadership::lead(Lock& lock, const Waiter& waiter) {
  if (nested_ == 0) look_again_ = false;  // the look at the waiter that follows is the first one
  while (!waiter.done_) step(lock);
}

void Leadership::step(Lock& lock) {
  const Leader me = leader_;
  const auto budget = spin_.next();
  if (budget.count() != 0) {
    if (spin(lock, budget)) return;
    const TimePoint start = engine_.now();
    sleep(lock);
    spin_.missed(engine_.now() - start);
  } else {
    // Looking before sleeping would be in vain: arming finds what came meanwhile.
    sleep(lock);
  }
  if (leader_ == me) turns_.turn(lock);
}

void Leadership::sleep(Lock& lock) {
  if (std::exchange(look_again_, false)) return;
  const Leader me = leader_;
  const Seat seat = this->seat();
  if (!engine_.prepare_sleep(seat)) return;
  rest();
  lock.unlock();
  engine_.sleep(seat);
  lock.lock();
  end_rest(me);
}

std::chrono::nanoseconds Leadership::offer_cpu() const {
  const TimePoint before = engine_.now();
  std::this_thread::yield();
  return engine_.now() - before;
}

bool Leadership::spin(Lock& lock, std::chrono::nanoseconds budget) {
  const Leader me = leader_;
  PolledTime time(spin_, budget, engine_.now());
  while (!time.is_over()) {
    const bool offers_cpu = spin_.offers_cpu();
    rest();
    lock.unlock();
    const auto was_away = offers_cpu ? offer_cpu() : std::chrono::nanoseconds(0);
    if (!offers_cpu) platform::relax();
    int rounds = 0;
    for (; engine_.mutex().is_contended() && rounds < yield_rounds_max; ++rounds) {
      platform::relax();
    }
    lock.lock();
    end_rest(me);
    if (leader_ != me || std::exchange(look_again_, false)) return true;
    if (offers_cpu) time.offered_cpu(was_away);
    const TimePoint now = engine_.now();
    engine_.note_time(now);
    if (rounds > 0) {
      time.begin_look_after_others(now);
    } else {
      time.begin_look(now);
    }
    if (turns_.turn(lock) != 0) {
      time.found();
      return true;
    }
  }
  return false;
}

// ---- The thread ----

void Leadership::start_thread() {
  thread_ = std::thread([this] { run_thread(); });
}

bool Leadership::stop_thread_within(std::chrono::nanoseconds at_most) {
  {
    const Lock lock(engine_.mutex());
    stopping_ = true;
    notify_thread();
    if (leader_ == Leader::thread) interrupt_rest();
  }
  const TimePoint until = engine_.time_after(at_most);
  // acquire: pairs with the release at its end.
  while (thread_.joinable() && thread_ended_.load(std::memory_order_acquire) == nothing_yet) {
    const auto left = until - engine_.now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    platform::futex_wait(thread_ended_, nothing_yet, left);
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

void Leadership::leave_thread() noexcept {
  if (thread_.joinable()) thread_.detach();
}

void Leadership::run_thread() {
  Lock lock(engine_.mutex());
  stands_by_since_ = engine_.now();
  while (!stopping_) {
    if (leader_ != Leader::nobody || is_lingering()) {
      stand_by(lock);
      continue;
    }
    leader_ = Leader::thread;
    turns_.turn(lock);
    while (leader_ == Leader::thread && !stopping_) {
      if (!promote_next()) step(lock);
    }
    stands_by_since_ = engine_.now();
  }
  if (leader_ == Leader::thread && !promote_next()) leader_ = Leader::nobody;
  lock.unlock();
  // release: pairs with the acquire in stop_thread_within(), which joins after it.
  thread_ended_.store(finished, std::memory_order_release);
  platform::futex_wake_one(thread_ended_);
}

bool Leadership::is_lingering() const {
  return led_until_.count() != 0 && engine_.now() < led_until_ + linger;
}

std::chrono::nanoseconds Leadership::pause() const {
  return std::clamp<std::chrono::nanoseconds>((engine_.now() - stands_by_since_) / 8, linger,
                                              longest_pause);
}

void Leadership::stand_by(Lock& lock) {
  std::optional<std::chrono::nanoseconds> timeout = pause();
  if (leader_ == Leader::nobody || leads_seen_ != leads_ended_) {
    standby_ = Standby::shallow;
  } else {
    // The same caller has led since the last look: whoever leaves next says so.
    timeout.reset();
    standby_ = Standby::deep;
  }
  leads_seen_ = leads_ended_;
  // relaxed: both sides hold the lock when they write it.
  thread_signal_.store(nothing_yet, std::memory_order_relaxed);
  lock.unlock();
  platform::futex_wait(thread_signal_, nothing_yet, timeout);
  lock.lock();
  if (standby_ == Standby::deep) stands_by_since_ = engine_.now();
  standby_ = Standby::none;
}

void Leadership::notify_thread() noexcept {
  if (standby_ == Standby::none) return;
  thread_signal_.store(finished, std::memory_order_relaxed);
  platform::futex_wake_one(thread_signal_);
}

}  // namespace trestle::engine
