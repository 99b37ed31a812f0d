// Workers, and the extra ones that stand in for blocked workers.
#include "dispatch/worker_pool.hpp"

#include <utility>

namespace trestle::dispatch {
namespace {

// Tells a worker from every other thread, so that only workers are compensated for.
// initial-exec: the library is there from the start of the program, and each call looks here.
[[gnu::tls_model("initial-exec")]] thread_local const WorkerPool* current_pool = nullptr;

}  // namespace

WorkerPool::WorkerPool(std::size_t workers, std::size_t queue_max)
    : workers_(workers), queue_max_(queue_max) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < workers_; ++i) start_worker();
}

WorkerPool::~WorkerPool() {
  stop();
}

void WorkerPool::start_worker() {
  threads_.emplace_back([this] { work(); });
}

bool WorkerPool::submit(Task task, WaitingLine::Place* place) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push(std::move(task), place);
    any_queued_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;  // its destructor runs after the lock's
    queue_.push(std::move(task));
    any_queued_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_one();
}

bool WorkerPool::withdraw(const WaitingLine::Place& place) {
  Task withdrawn;  // outlives the lock
  const std::lock_guard lock(mutex_);
  withdrawn = queue_.withdraw(place);
  return static_cast<bool>(withdrawn);
}

bool WorkerPool::run_one() {
  if (!any_queued_.load(std::memory_order_relaxed)) return false;
  Task task;
  {
    const std::lock_guard lock(mutex_);
    any_queued_.store(!queue_.empty(), std::memory_order_relaxed);
    if (queue_.empty()) return false;
    task = queue_.pop();
    ++running_;
  }
  task();
  const std::lock_guard lock(mutex_);
  --running_;
  return true;
}

bool WorkerPool::may_start_task() const {
  // Stand-ins of workers that came back stay, but only to stand in again.
  return !queue_.empty() && running_ < workers_ + blocked_;
}

void WorkerPool::work() {
  current_pool = this;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || may_start_task(); });
    if (queue_.empty()) return;
    Task task = queue_.pop();
    ++running_;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    --running_;
    if (stopping_ && running_ == 0) idle_.notify_all();
  }
}

bool WorkerPool::is_own_thread() const noexcept {
  return current_pool == this;
}

bool WorkerPool::is_in_task() const {
  if (workers_ != 0) return is_own_thread();
  // By hand there is one thread: a task that runs is below whoever asks.
  const std::lock_guard lock(mutex_);
  return running_ != 0;
}

WorkerPool::BlockingGuard::BlockingGuard(WorkerPool& pool) {
  if (!pool.is_own_thread()) return;
  pool_ = &pool;
  const std::lock_guard lock(pool.mutex_);
  ++pool.blocked_;
  pool.wake_.notify_one();  // a stand-in that is there already
  if (pool.stopping_ || pool.threads_.size() >= pool.blocked_ + pool.workers_) return;
  may_block_ = pool.threads_.size() < pool.workers_ + compensation_max;
  if (may_block_) pool.start_worker();
}

WorkerPool::BlockingGuard::~BlockingGuard() {
  if (pool_ == nullptr) return;
  const std::lock_guard lock(pool_->mutex_);
  --pool_->blocked_;
}

void WorkerPool::drop_queued() {
  WaitingLine dropped;  // outlives the lock
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  std::swap(dropped, queue_);
}

bool WorkerPool::stop_within(std::chrono::nanoseconds patience) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    const auto is_idle = [this] { return running_ == 0 && queue_.empty(); };
    if (!idle_.wait_for(lock, patience, is_idle)) return false;
  }
  stop();
  return true;
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace trestle::dispatch
