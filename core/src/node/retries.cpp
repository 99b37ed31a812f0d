// Counting attempts, and waiting between them.
#include "node/retries.hpp"

#include <algorithm>
#include <utility>

#include "node/wait_limit.hpp"

namespace trestle {
namespace {

/// Failures that another attempt may mend.
constexpr Errc passing[] = {Errc::connect_refused,  Errc::unreachable,   Errc::connection_lost,
                            Errc::transport_failed, Errc::overloaded,    Errc::draining,
                            Errc::queue_full,       Errc::too_many_calls};

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
  const std::lock_guard lock(mutex_);
  std::uniform_real_distribution<double> part(1.0 - jitter, 1.0 + jitter);
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(delay.count()) * part(random_)));
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
    const auto delay =
        retries_.jittered(std::min(delay_, policy_.delay_max), std::clamp(policy_.jitter, 0., 1.));
    if (deadline_ && *deadline_ - retries_.engine_.now() <= delay) {
      return stop(error, ", no time is left for another");
    }
    if (!budget_.take()) {
      return stop(error, ", too many calls to this peer failed lately to make another");
    }
    ++made_;
    const double grown = static_cast<double>(delay_.count()) * std::max(policy_.factor, 1.0);
    const auto most = static_cast<double>(policy_.delay_max.count());
    delay_ = std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(grown, most)));
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

bool Retries::pause(std::chrono::nanoseconds delay, const std::stop_token& stop) {
  if (host_.may_wait_here().has_error()) return false;
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  if (!guard.may_block()) return false;
  engine::Waiter waiter;
  WaitLimit end(leadership_, waiter);
  engine::Lock lock(engine_.mutex());
  engine_.arm_timer(end, engine_.time_after(delay));
  const auto wake = [&] {
    const engine::Lock inner(engine_.mutex());
    if (!waiter.is_done()) leadership_.finish(waiter);
  };
  std::optional<std::stop_callback<decltype(wake)>> on_stop;
  if (stop.stop_possible()) {
    lock.unlock();  // a token that was stopped meanwhile calls back at once
    on_stop.emplace(stop, wake);
    lock.lock();
  }
  const bool done = host_.wait(lock, waiter);
  on_stop.reset();
  lock.lock();
  engine_.cancel_timer(end);
  return done && !stop.stop_requested();
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
    if (!delay || !pause(*delay, options.stop)) return error;
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
/// the call ends as shut_down.
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
    if (done_) done_(Error(Errc::shut_down, "this node was closed"));
  }

  void begin() {
    if (stop_.stop_possible()) on_stop_.emplace(stop_, Stop{weak_from_this()});
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
    retries_.after_(std::chrono::nanoseconds::zero(), [self = shared_from_this()] {
      self->end(Error(Errc::cancelled, "call of '" + self->handler_ +
                                           "': cancelled while no attempt was under way"));
    });
    return true;
  }

 private:
  enum class State { waiting, attempting, over };

  struct Stop {
    std::weak_ptr<DetachedCall> call;
    void operator()() const {
      if (const auto target = call.lock()) target->cancel(detail::CallCanceller::Scope::any);
    }
  };

  static CallOptions without_stop(CallOptions options) {
    options.stop = {};
    return options;
  }

  void try_now() {
    std::unique_lock lock(mutex_);
    if (state_ == State::over) return;  // cancelled meanwhile
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
        if (!delay) outcome = std::move(error);
      }
      state_ = delay ? State::waiting : State::over;
    }
    if (!delay) return end(std::move(outcome));
    retries_.after_(*delay, [self = shared_from_this()] { self->try_now(); });
  }

  void end(Result<Encoded> outcome) { std::exchange(done_, nullptr)(std::move(outcome)); }

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
  detail::CallCanceller attempt_;  // the one under way
  std::size_t attempts_begun_ = 0;
  bool is_last_ = false;  // cancelled: another attempt must not follow
  detail::CallCompletion done_;
  std::optional<std::stop_callback<Stop>> on_stop_;
};

void Retries::start(const CallTarget& target, Result<Encoded> argument, detail::CallCompletion done,
                    detail::CallCanceller* canceller) {
  if (argument.has_error()) {
    return calls_.start(target, std::move(argument), std::move(done), canceller);
  }
  const auto call = std::make_shared<DetachedCall>(*this, target, with_deadline(target.options),
                                                   std::move(*argument), std::move(done));
  if (canceller != nullptr) *canceller = detail::CallCanceller(call);
  call->begin();
}

}  // namespace trestle
