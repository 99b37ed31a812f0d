// Calls that are tried again when they fail.
#pragma once

#include <trestle/detail/unique_function.hpp>
#include <trestle/retry_policy.hpp>

#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

#include "node/outgoing_calls.hpp"
#include "node/shared_payload.hpp"

namespace trestle {

/// Whether a call that failed like that may be made again.
bool may_try_again(const Error& error, const RetryPolicy& policy);

/// Behind Peer, for calls whose policy allows more than one attempt. All attempts share the call's
/// deadline and its encoded argument. Threads: any; the engine's lock is not held.
class Retries {
 public:
  using After = std::function<void(std::chrono::nanoseconds, std::function<void()>)>;

  /// `after`: as Node::after(). `seed`: of the jitter.
  Retries(CallHost& host, OutgoingCalls& calls, engine::Engine& engine,
          engine::Leadership& leadership, dispatch::WorkerPool& pool, After after,
          std::uint64_t seed)
      : host_(host),
        calls_(calls),
        engine_(engine),
        leadership_(leadership),
        pool_(pool),
        after_(std::move(after)),
        random_(static_cast<std::minstd_rand::result_type>(seed)) {}

  /// Blocks until `attempt(options)` succeeded, or must not be made again. `options` have the one
  /// deadline of all attempts.
  using Attempt = detail::UniqueFunction<Result<void>(const CallOptions& options)>;
  Result<void> repeat(const peers::PeerLinkPtr& link, const CallOptions& options, Attempt attempt);

  /// The node closes: no thread waits between attempts any more. Lock held.
  void end_pauses() noexcept;

  /// As of OutgoingCalls.
  Result<Encoded> invoke(const CallTarget& target, Encoded argument);
  void start(const CallTarget& target, Result<Encoded> argument, detail::CallCompletion done,
             detail::CallCanceller* canceller);

 private:
  class Attempts;
  class DetachedCall;
  class Canceller;

  /// One deadline for all attempts.
  CallOptions with_deadline(CallOptions options) const;
  std::chrono::nanoseconds jittered(std::chrono::nanoseconds delay, double jitter);
  /// Blocks so long after an attempt that ended as `failed`. Errors: why no other follows.
  Result<void> pause(std::chrono::nanoseconds delay, const std::stop_token& stop,
                     const Error& failed);

  CallHost& host_;
  OutgoingCalls& calls_;
  engine::Engine& engine_;
  engine::Leadership& leadership_;
  dispatch::WorkerPool& pool_;
  const After after_;
  std::vector<engine::Waiter*> pausing_;  // under the engine's lock
  std::mutex mutex_;
  std::minstd_rand random_;  // under mutex_
};

}  // namespace trestle
