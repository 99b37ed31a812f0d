// The messages whose handlers hold a stop token, for when all are asked to stop.
#pragma once

#include <mutex>
#include <unordered_set>

namespace trestle::dispatch {

struct KeptMessage;

/// Threads: any. Its lock is held while no other is taken.
class StopRoll {
 public:
  enum class Entered { yes, all_stop };

  /// Until remove(). `all_stop`: too late, whoever comes now stops at once.
  Entered add(KeptMessage& message);
  void remove(KeptMessage& message) noexcept;

  /// Asks all to stop, now and in future. Runs what the application has registered with the tokens:
  /// call it without a lock.
  void stop_all();

 private:
  std::mutex mutex_;
  std::unordered_set<KeptMessage*> messages_;
  bool all_stop_ = false;
};

}  // namespace trestle::dispatch
