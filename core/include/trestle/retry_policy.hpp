// How often, and how soon, a failed call is tried again.
#pragma once

#include <chrono>
#include <cstddef>

namespace trestle {

/// Tries a call again that provably did not run and failed with what may pass; if the handler may
/// run twice, also one that may have run or did, such as one whose handler was refused a call that
/// it made itself. The call's deadline bounds all attempts together, and a peer to which many calls
/// fail is tried again less often: ten successes pay for one repetition, ten repetitions may be
/// saved up.
/// Holds for Peer::call, confirm and their asynchronous forms, and for builders that wait in
/// send(). The default never tries again.
struct RetryPolicy {
  std::size_t attempts_max = 1;                                     ///< the first included
  std::chrono::nanoseconds delay = std::chrono::milliseconds(100);  ///< before the second attempt
  double factor = 2.0;                                              ///< from delay to delay
  std::chrono::nanoseconds delay_max = std::chrono::seconds(10);    ///< before jitter
  double jitter = 0.25;     ///< each delay is shortened or prolonged by up to this part of it
  bool idempotent = false;  ///< the handler may run twice for one call
};

}  // namespace trestle
