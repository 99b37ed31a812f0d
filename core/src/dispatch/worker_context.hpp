// What Asio keeps for a node's executor: timers, strands, and the way to the workers.
#pragma once

#include <trestle/node.hpp>

#include <boost/asio/execution_context.hpp>
#include <memory>
#include <utility>

#include "dispatch/worker_pool.hpp"

namespace trestle::detail {

/// Co-owned by the node and by every copy of its executor, so that whatever Asio made for them
/// finds its services, also after the node's end. Threads: any.
class WorkerContext final : public boost::asio::execution_context {
 public:
  WorkerContext(std::shared_ptr<dispatch::WorkerPool> pool, LogFunction log)
      : pool_(std::move(pool)), log_(std::move(log)) {}
  ~WorkerContext();

  void post(dispatch::WorkerPool::Task task) { pool_->post(std::move(task)); }
  void report(const char* what) const;

  /// Destroys what waits for a timer or in a strand. After the pool was stopped, without a lock.
  void end() { shutdown(); }

 private:
  const std::shared_ptr<dispatch::WorkerPool> pool_;
  const LogFunction log_;
};

}  // namespace trestle::detail
