// Counting attempts, and waiting between them.
#include "node/retries.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "node/call_state.hpp"
#include "node/stop_watch.hpp"
#include "node/wait_limit.hpp"

namespace trestle {
namespace {

/// Failures that another attempt may mend.
constexpr Errc passing[] = {Errc::connect_refused,  Errc::unreachable,   Errc::connection_lost,
                            Errc::transport_failed, Errc::overloaded,    Errc::draining,
                            Errc::queue_full,       Errc::too_many_calls};

/// Factors are the application's: what is no time ends as none, or as the longest there is.
std::chrono::nanoseconds scaled(std::chrono::nanoseconds delay, double factor) {
  using Rep = std::chrono::nanoseconds::rep;
  const double product = static_cast<double>(delay.count()) * factor;
  if (!(product > 0)) return std::chrono::nanoseconds::zero();
  if (product >= static_cast<double>(std::numeric_limits<Rep>::max())) {
    return std::chrono::nanoseconds::max();
  }
  return std::chrono::nanoseconds(static_cast<Rep>(product));
}

/// What ends a call between two attempts, and how the last one went.
Error ended_between(Errc code, std::string_view why, const Error& failed) {
  return {code, std::string(why) + " between two attempts; the last one: " + failed.text,
          failed.ran};
}
Error stopped_between(const Error& failed) {
  return ended_between(Errc::cancelled, "cancelled by the caller", failed);
}
Error closed_between(const Error& failed) {
  return ended_between(Errc::shut_down, "this node was closed", failed);
}

}  // namespace

bool may_try_again(const Error& error, const RetryPolicy& policy) {
  if (error.ran != Ran::no && !policy.idempotent) return false;
  return std::any_of(std::begin(passing), std::end(passing),
                     [&](Errc code) { return error.is(code); });
}

CallOptions Retries::with_deadline(CallOptions options) const {
  options.deadline = calls_.deadline_of(options, engine_.now());
  options.timeout = std::chrono::nanoseconds::max();
  return options;
}

std::chrono::nanoseconds Retries::jittered(std::chrono::nanoseconds delay, double jitter) {
  const double most = std::isnan(jitter) ? 0 : std::clamp(jitter, 0., 1.);
  if (most == 0) return std::max(delay, std::chrono::nanoseconds::zero());
  const std::lock_guard lock(mutex_);
  return scaled(delay, std::uniform_real_distribution(1 - most, 1 + most)(random_));
}

/// What is the same for calls that block and those that do not.
class Retries::Attempts {
 public:
  Attempts(Retries& retries, const peers::PeerLinkPtr& link, const CallOptions& options)
      : retries_(retries),
        budget_(link->retry_budget),
        policy_(options.retry),
        deadline_(options.deadline),
        delay_(policy_.delay) {}

  void succeeded() noexcept { budget_.succeeded(); }

  /// How long to wait until the next attempt; empty if there is none. What is missing is said in
  /// `error` then.
  std::optional<std::chrono::nanoseconds> next(Error& error) {
    if (!may_try_again(error, policy_)) return stop(error, "");
    if (made_ >= policy_.attempts_max) return stop(error, "");
    const auto delay = retries_.jittered(std::min(delay_, policy_.delay_max), policy_.jitter);
    if (deadline_ && *deadline_ - retries_.engine_.now() <= delay) {
      return stop(error, ", no time is left for another");
    }
    if (!budget_.take()) {
      return stop(error, ", too many calls to this peer failed lately to make another");
    }
    ++made_;
    delay_ = std::min(scaled(delay_, std::fmax(policy_.factor, 1)), policy_.delay_max);
    return delay;
  }

 private:
  std::nullopt_t stop(Error& error, std::string_view why) const {
    if (made_ > 1 || !why.empty()) {
      error.text += " (" + std::to_string(made_) + (made_ == 1 ? " attempt" : " attempts") +
                    std::string(why) + ")";
    }
    return std::nullopt;
  }

  Retries& retries_;
  peers::RetryBudget& budget_;
  const RetryPolicy policy_;
  const std::optional<TimePoint> deadline_;
  std::chrono::nanoseconds delay_;
  std::size_t made_ = 1;
};

// ---- Calls that block ----

Result<void> Retries::pause(std::chrono::nanoseconds delay, const std::stop_token& stop,
                            const Error& failed) {
  if (host_.may_wait_here().has_error()) return failed;
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  if (!guard.may_block()) return failed;
  engine::Waiter waiter;
  WaitLimit end(leadership_, waiter);
  const auto wake = [&] {
    const engine::Lock inner(engine_.mutex());
    if (!waiter.is_done()) leadership_.finish(waiter);
  };
  engine::Lock lock(engine_.mutex());
  if (host_.is_closing()) return closed_between(failed);
  pausing_.push_back(&waiter);
  engine_.arm_timer(end, engine_.time_after(delay));
  StopWatch watch(lock, stop, wake);
  const bool done = host_.wait(lock, waiter);
  watch.end();
  lock.lock();
  engine_.cancel_timer(end);
  std::erase(pausing_, &waiter);
  if (stop.stop_requested()) return stopped_between(failed);
  if (host_.is_closing()) return closed_between(failed);
  if (!done) return failed;
  return {};
}

void Retries::end_pauses() noexcept {
  for (engine::Waiter* waiter : std::exchange(pausing_, {})) {
    if (!waiter->is_done()) leadership_.finish(*waiter);
  }
}

Result<void> Retries::repeat(const peers::PeerLinkPtr& link, const CallOptions& options,
                             Attempt attempt) {
  const CallOptions bounded = with_deadline(options);
  Attempts attempts(*this, link, bounded);
  for (;;) {
    auto outcome = attempt(bounded);
    if (outcome.has_value()) {
      attempts.succeeded();
      return outcome;
    }
    Error error = std::move(outcome).error();
    const auto delay = attempts.next(error);
    if (!delay) return error;
    if (auto paused = pause(*delay, options.stop, error); paused.has_error()) return paused;
  }
}

Result<Encoded> Retries::invoke(const CallTarget& target, Encoded argument) {
  const SharedPayload shared(std::move(argument.payload));
  Encoded reply;
  auto ended = repeat(target.link, target.options, [&](const CallOptions& options) -> Result<void> {
    auto outcome = calls_.invoke({target.link, target.handler, target.mode, options},
                                 {argument.codec, shared.lend(), argument.headers});
    if (outcome.has_error()) return std::move(outcome).error();
    reply = std::move(*outcome);
    return {};
  });
  if (ended.has_error()) return std::move(ended).error();
  return reply;
}

// ---- Calls that do not ----

/// Owned by whatever continues it: an attempt under way, or a timer. If that goes with the node,
/// the call ends as shut_down. Who can cancel it does not own it: what its completion holds may own
/// that in turn.
class Retries::DetachedCall final : public detail::Cancellable,
                                    public std::enable_shared_from_this<DetachedCall> {
 public:
  DetachedCall(Retries& retries, const CallTarget& target, const CallOptions& options,
               Encoded argument, detail::CallCompletion done)
      : retries_(retries),
        link_(target.link),
        handler_(target.handler),
        mode_(target.mode),
        stop_(options.stop),
        options_(without_stop(options)),
        codec_(argument.codec),
        headers_(std::move(argument.headers)),
        bytes_(std::move(argument.payload)),
        attempts_(retries, target.link, options),
        done_(std::move(done)) {}

  ~DetachedCall() {
    if (done_) end(state_ == State::over ? stopped_between(failed_) : closed_between(failed_));
  }

  void begin() {
    if (stop_.stop_possible()) on_stop_.emplace(stop_, detail::CancelIfAlive{weak_from_this()});
    try_now();
  }

  bool cancel(detail::CallCanceller::Scope scope) override {
    std::unique_lock lock(mutex_);
    if (state_ == State::over) return false;
    if (state_ == State::attempting) {
      is_last_ = is_last_ || scope == detail::CallCanceller::Scope::any;
      const detail::CallCanceller attempt = attempt_;
      lock.unlock();
      return attempt.cancel(scope);
    }
    state_ = State::over;
    lock.unlock();
    // Completions run on whichever thread drives the node.
    retries_.after_(std::chrono::nanoseconds::zero(),
                    [self = shared_from_this()] { self->end(stopped_between(self->failed_)); });
    return true;
  }

 private:
  enum class State { waiting, attempting, over };

  static CallOptions without_stop(CallOptions options) {
    options.stop = {};
    return options;
  }

  void try_now() {
    std::unique_lock lock(mutex_);
    if (state_ == State::over) return;  // cancelled meanwhile
    if (attempts_begun_ > 0 && retries_.host_.is_closing()) {
      state_ = State::over;
      lock.unlock();
      return end(closed_between(failed_));
    }
    state_ = State::attempting;
    attempt_ = {};
    const std::size_t number = ++attempts_begun_;
    lock.unlock();
    detail::CallCanceller canceller;
    retries_.calls_.start(
        {link_, handler_, mode_, options_}, Encoded{codec_, bytes_.lend(), headers_},
        [self = shared_from_this()](Result<Encoded> outcome) {
          self->attempted(std::move(outcome));
        },
        &canceller);
    lock.lock();
    if (number != attempts_begun_) return;  // it failed already, and another was begun
    attempt_ = canceller;
    const bool cancelled_before = is_last_;
    lock.unlock();
    if (cancelled_before) canceller.cancel();
  }

  void attempted(Result<Encoded> outcome) {
    if (outcome.has_value()) attempts_.succeeded();
    Error error;
    std::optional<std::chrono::nanoseconds> delay;
    {
      const std::lock_guard lock(mutex_);
      if (outcome.has_error() && !is_last_) {
        error = outcome.error();
        delay = attempts_.next(error);
        if (delay) {
          failed_ = std::move(error);
        } else {
          outcome = std::move(error);
        }
      }
      state_ = delay ? State::waiting : State::over;
    }
    if (!delay) return end(std::move(outcome));
    retries_.after_(*delay, [self = shared_from_this()] { self->try_now(); });
  }

  /// Of the one who made it over.
  void end(Result<Encoded> outcome) noexcept {
    run_completion(retries_.host_, [&] { std::exchange(done_, nullptr)(std::move(outcome)); });
  }

  Retries& retries_;
  const peers::PeerLinkPtr link_;
  const std::string handler_;
  const DeliveryMode mode_;
  const std::stop_token stop_;
  const CallOptions options_;
  const Codec codec_;
  const Headers headers_;
  const SharedPayload bytes_;
  Attempts attempts_;
  std::mutex mutex_;
  State state_ = State::waiting;
  Error failed_;                   // of the last attempt, while it waits for the next
  detail::CallCanceller attempt_;  // the one under way
  std::size_t attempts_begun_ = 0;
  bool is_last_ = false;  // cancelled: another attempt must not follow
  detail::CallCompletion done_;
  std::optional<std::stop_callback<detail::CancelIfAlive>> on_stop_;
};

/// The right to cancel a call that ends without it.
class Retries::Canceller final : public detail::Cancellable {
 public:
  explicit Canceller(std::weak_ptr<detail::Cancellable> call) noexcept : call_(std::move(call)) {}
  bool cancel(detail::CallCanceller::Scope scope) override {
    const auto call = call_.lock();
    return call != nullptr && call->cancel(scope);
  }

 private:
  const std::weak_ptr<detail::Cancellable> call_;
};

void Retries::start(const CallTarget& target, Result<Encoded> argument, detail::CallCompletion done,
                    detail::CallCanceller* canceller) {
  if (argument.has_error()) {
    return calls_.start(target, std::move(argument), std::move(done), canceller);
  }
  const auto call = std::make_shared<DetachedCall>(*this, target, with_deadline(target.options),
                                                   std::move(*argument), std::move(done));
  if (canceller != nullptr) *canceller = detail::CallCanceller(std::make_shared<Canceller>(call));
  call->begin();
}

}  // namespace trestle
