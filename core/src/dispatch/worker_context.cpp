// Tasks of applications among those of the node.
#include "dispatch/worker_context.hpp"

#include <trestle/node_executor.hpp>

#include <string>

namespace trestle {
namespace detail {

WorkerContext::~WorkerContext() {
  // While the members are there: what waits may post on its way out.
  shutdown();
}

void WorkerContext::report(const char* what) const {
  log_(LogLevel::error, std::string("a function that a node's executor ran threw: ") + what);
}

}  // namespace detail

boost::asio::execution_context& NodeExecutor::query(
    boost::asio::execution::context_t) const noexcept {
  return *context_;
}

void NodeExecutor::submit(detail::UniqueFunction<void()> function) const {
  context_->post(std::move(function));
}

void NodeExecutor::report(const detail::WorkerContext& context, const char* what) {
  context.report(what);
}

}  // namespace trestle
