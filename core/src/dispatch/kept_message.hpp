// A message that outlives the turn in which it came.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>

#include "dispatch/fair_budget.hpp"
#include "dispatch/message.hpp"
#include "dispatch/passage.hpp"
#include "dispatch/stop_roll.hpp"
#include "dispatch/waiting_line.hpp"

namespace trestle::dispatch {

struct KeptBatch;
struct OpenLane;

/// A message that waits for a worker, a permit or others of its batch, or whose answer comes later.
/// It counts among the requests under way until then. Threads: any for its functions; its members
/// belong to whoever claimed it, before that to the engine's lock.
struct KeptMessage : Message, Passage, std::enable_shared_from_this<KeptMessage> {
  KeptMessage() = default;
  ~KeptMessage();

  std::shared_ptr<peers::Connection> connection_owner;
  std::shared_ptr<registry::Entry> entry_owner;
  TimePoint kept_at{0};         // about when it came
  FairBudget::Share place;      // among those that may wait
  FairBudget::Share bytes;      // of the payloads that may wait, or be handled
  bool occupies_window = true;  // false: its sender was told already that there is room
  // Whoever inherits a permit for it may need its lane after it has left.
  std::shared_ptr<OpenLane> lane;
  bool is_in_lane = false;
  std::weak_ptr<KeptBatch> batch;   // that it joined
  bool is_listed = false;           // among those that wait
  WaitingLine::Place worker_place;  // where it waits, if it does
  std::atomic<int> obstacles{1};    // to get over before it starts: the gates, the receipt

  /// True once: for whoever runs the handler, or ends the message without it.
  bool claim() noexcept { return !claimed_.exchange(true, std::memory_order_acq_rel); }
  /// False: it is certain to run, runs, or is over.
  bool is_waiting() const noexcept { return !claimed_.load(std::memory_order_acquire); }

  /// Its outcome is on its way. Release pairs with the acquire of has_ended().
  void end() noexcept { ended_.store(true, std::memory_order_release); }
  bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }

  /// Stopped by request_stop(), and with all others of `roll`, where it is entered.
  std::stop_token stop_token(const std::shared_ptr<StopRoll>& roll);
  /// Runs what the application has registered with its tokens: call it without a lock.
  void request_stop();

 private:
  std::atomic<bool> claimed_{false};
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::stop_source stop_{std::nostopstate};  // made when somebody asks; few do
  std::shared_ptr<StopRoll> roll_;           // set with stop_
  bool stopped_ = false;
};

}  // namespace trestle::dispatch
