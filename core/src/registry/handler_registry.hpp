// The handlers of a node, by name.
#pragma once

#include <trestle/dispatch_counts.hpp>
#include <trestle/handler.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/batch_collector.hpp"
#include "dispatch/latency_rows.hpp"
#include "dispatch/permits.hpp"
#include "dispatch/tally.hpp"
#include "registry/event_log.hpp"

namespace trestle::registry {

/// Who may register a name that starts with '_'.
enum class Owner { application, system };

/// A registered handler, its permits and counts. Lifetime: shared with every run under way.
struct Entry : std::enable_shared_from_this<Entry> {
  explicit Entry(Handler h, std::shared_ptr<dispatch::Tally> of_node = nullptr)
      : handler(std::move(h)),
        permits(handler.options.concurrency_max),
        batches(handler.batch_function
                    ? std::make_unique<dispatch::BatchCollector>(handler.options.batch)
                    : nullptr),
        is_ungated(!permits.is_limited() && handler.options.lane.scope == Lane::Scope::none &&
                   batches == nullptr),
        is_direct(is_ungated && handler.options.execution == Execution::inline_),
        node_tally(of_node != nullptr ? std::move(of_node) : std::make_shared<dispatch::Tally>()) {}

  /// One that every node has, and that is never to wait for those of the application.
  bool is_systems() const noexcept { return handler.name.front() == '_'; }

  /// Counted for the handler, and for its node.
  void count(dispatch::Refusal why) noexcept {
    tally.refused(why);
    node_tally->refused(why);
  }
  void count_failure() noexcept {
    tally.failed();
    node_tally->failed();
  }

  Handler handler;
  dispatch::Permits permits;
  const std::unique_ptr<dispatch::BatchCollector> batches;  // of batched handlers
  const bool is_ungated;  // nothing of its own bounds its runs, or gathers messages for one
  const bool is_direct;   // and it runs in the turn of its message
  dispatch::Tally tally;
  const std::shared_ptr<dispatch::Tally> node_tally;
  std::uint64_t admitted = 0;  // messages, under the engine's lock
  // Of messages that outlive their turn. Relaxed: a number, it publishes nothing.
  std::atomic<std::size_t> under_way{0};
  dispatch::LatencyRows latency;  // of the same
  // relaxed: a message that comes at the same moment may still run it.
  std::atomic<bool> removed{false};
};

/// Threads: any. A handler added is found by the next message.
class HandlerRegistry {
 public:
  explicit HandlerRegistry(const InstanceId& instance = {})
      : events_(std::make_shared<EventLog>(instance)) {}

  /// Errors: invalid_argument, name_too_long, reserved_name, handler_exists, and shut_down after
  /// close(); nothing is changed.
  Result<void> add(Handler handler, Owner owner = Owner::application);

  /// The next message does not find it. What is returned must live until those that name it ran.
  /// Errors: handler_not_found, reserved_name; nothing is changed.
  Result<std::shared_ptr<Entry>> remove(std::string_view name);

  /// `added(name)` is called after each add(), on its thread, without a lock. Set it before others
  /// use the registry.
  void on_added(std::function<void(const std::string&)> added) { added_ = std::move(added); }

  const std::shared_ptr<EventLog>& events() const noexcept { return events_; }

  /// Null if there is none.
  std::shared_ptr<Entry> find(std::string_view name) const;

  std::vector<std::string> names() const;

  /// Those that are registered, by name.
  std::vector<std::shared_ptr<const Entry>> entries() const;
  /// What was counted for each.
  std::vector<HandlerCounts> counts() const;
  /// Of all handlers, also those that are gone, and of messages that name none.
  dispatch::Tally& tally() const noexcept { return *tally_; }

  /// Drops every handler, with what its function holds, and the messages that wait for a permit.
  /// A function often holds a Peer, and through it the node.
  void close();

 private:
  using Entries = std::map<std::string, std::shared_ptr<Entry>, std::less<>>;

  const std::shared_ptr<EventLog> events_;
  const std::shared_ptr<dispatch::Tally> tally_ = std::make_shared<dispatch::Tally>();
  std::function<void(const std::string&)> added_;
  mutable std::shared_mutex mutex_;
  Entries entries_;
  bool closed_ = false;
};

}  // namespace trestle::registry
