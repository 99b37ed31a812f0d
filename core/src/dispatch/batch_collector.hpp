// The messages of one batched handler on their way into a run.
#pragma once

#include <trestle/batch.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "dispatch/kept_message.hpp"
#include "dispatch/passage.hpp"

namespace trestle::dispatch {

/// Messages that will run together. While it is open, more may join.
struct KeptBatch : Passage {
  KeptBatch(std::shared_ptr<registry::Entry> e, TimePoint c)
      : entry_owner(std::move(e)), closes_at(c) {}

  const std::shared_ptr<registry::Entry> entry_owner;
  const TimePoint closes_at;      // at the latest
  std::atomic<int> obstacles{1};  // that it is open, or waits at a gate; receipts to be given

 private:
  friend class BatchCollector;
  // Under the collector's lock.
  std::vector<std::shared_ptr<KeptMessage>> messages_;
  std::size_t bytes_ = 0;
};

/// Threads: any.
class BatchCollector {
 public:
  using BatchPtr = std::shared_ptr<KeptBatch>;
  using MessagePtr = std::shared_ptr<KeptMessage>;

  explicit BatchCollector(const BatchOptions& options) noexcept : options_(options) {}

  const BatchOptions& options() const noexcept { return options_; }

  /// What came of a message that joined.
  struct Joined {
    BatchPtr filled;  ///< by those before it: complete now
    BatchPtr batch;   ///< that it is in
    bool is_first = false;
    bool is_complete = false;
  };
  /// `message` is in a batch from now on. If it begins one, that closes at `closes_at`.
  Joined join(const MessagePtr& message, TimePoint closes_at);

  /// No more join. False: it was complete before.
  bool close(const KeptBatch& batch);
  /// It runs: its messages are the caller's.
  std::vector<MessagePtr> take(KeptBatch& batch);
  /// Leaves its batch. That batch, if it is open and now empty, which ends it.
  BatchPtr leave(KeptMessage& message);

  /// Messages in batches that have not begun to run.
  std::size_t waiting() const;

 private:
  const BatchOptions options_;
  mutable std::mutex mutex_;
  BatchPtr open_;
  std::size_t waiting_ = 0;
};

}  // namespace trestle::dispatch
