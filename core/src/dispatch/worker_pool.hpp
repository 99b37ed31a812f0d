// The threads that run spawn handlers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "dispatch/waiting_line.hpp"

namespace trestle::dispatch {

/// A bounded FIFO of tasks and the threads that run them; without threads, run_one() does.
/// Threads: any.
class WorkerPool {
 public:
  using Task = WaitingLine::Task;

  /// `workers` 0: no threads. `queue_max`: tasks that may wait.
  WorkerPool(std::size_t workers, std::size_t queue_max);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False: the queue is full, nothing was taken. `place`, if any, is set to where the task waits.
  bool submit(Task task, WaitingLine::Place* place = nullptr);
  /// Drops the task that waits there. False: it does not.
  bool withdraw(const WaitingLine::Place& place);
  /// Queues it however many wait: for what goes on with something begun. Once the queue was dropped
  /// or the threads ended, the task is destroyed.
  void post(Task task);
  /// Runs the task at the head, if any, on this thread. For pools without threads.
  bool run_one();

  /// A worker that is about to wait for something that may need a worker: another thread takes its
  /// place until the guard ends. Does nothing on threads that are not this pool's workers.
  class BlockingGuard {
   public:
    explicit BlockingGuard(WorkerPool& pool);
    ~BlockingGuard();
    BlockingGuard(const BlockingGuard&) = delete;
    BlockingGuard& operator=(const BlockingGuard&) = delete;
    /// False: the bound of threads is reached; waiting could deadlock.
    bool may_block() const noexcept { return may_block_; }

   private:
    WorkerPool* pool_ = nullptr;
    bool may_block_ = true;
  };

  /// True within a task of this pool: on its threads, and below run_one().
  bool is_in_task() const;

  /// Drops what is queued, and takes nothing more. What runs goes on.
  void drop_queued();

  /// As stop(), unless tasks still run after `patience`: then the threads end after their tasks,
  /// and stop() waits for that. False: so it is.
  bool stop_within(std::chrono::nanoseconds patience);

  /// Finishes what is queued, then ends the threads. Idempotent.
  void stop();

 private:
  static constexpr std::size_t compensation_max = 64;

  bool is_own_thread() const noexcept;
  void start_worker();
  bool may_start_task() const;
  void work();

  const std::size_t workers_;
  const std::size_t queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;  // nothing runs, and no more will
  WaitingLine queue_;
  std::atomic<bool> any_queued_{false};  // relaxed: for run_one() on the thread that submits
  std::vector<std::thread> threads_;
  std::size_t running_ = 0;
  std::size_t blocked_ = 0;
  bool stopping_ = false;
};

}  // namespace trestle::dispatch
