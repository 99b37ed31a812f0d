// A node's worker threads as an Asio executor.
#pragma once

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include <trestle/detail/unique_function.hpp>
#include <trestle/export.hpp>

namespace trestle {

class NodeCore;

namespace detail {
class WorkerContext;
}

/// Runs functions on the workers of a node, among its spawn handlers but without their limit of
/// waiting messages; with a ManualDriver in Node::poll(). Never runs anything in place. Copy it
/// freely: strands, timers and boost::asio::any_io_executor take it. (A timer starts one thread
/// of Asio's own per node, and knows nothing of a manual clock.) An exception that a function
/// throws is logged.
/// Lifetime: functions that wait when the node ends, and that come after it, are destroyed without
/// being run; so are coroutines that wait for something then. Threads: any.
class TRESTLE_EXPORT NodeExecutor {
 public:
  /// For Asio: the context of the workers.
  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept;
  /// For Asio: functions never run in place.
  static constexpr boost::asio::execution::blocking_t query(
      boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }

  /// Runs the function on a worker, some time later.
  template <class F>
  void execute(F&& function) const {
    submit([run = std::decay_t<F>(std::forward<F>(function)), context = context_.get()]() mutable {
      try {
        std::move(run)();
      } catch (const std::exception& e) {
        report(*context, e.what());
      } catch (...) {
        report(*context, "an exception of unknown type");
      }
    });
  }

  /// Whether both are of one node.
  friend bool operator==(const NodeExecutor& a, const NodeExecutor& b) noexcept {
    return a.context_ == b.context_;
  }

 private:
  friend class NodeCore;
  explicit NodeExecutor(std::shared_ptr<detail::WorkerContext> context) noexcept
      : context_(std::move(context)) {}

  void submit(detail::UniqueFunction<void()> function) const;
  static void report(const detail::WorkerContext& context, const char* what);

  std::shared_ptr<detail::WorkerContext> context_;
};

}  // namespace trestle
