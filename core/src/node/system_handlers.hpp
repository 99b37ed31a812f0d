// The handlers that every node has: those whose names start with '_'.
#pragma once

#include <trestle/contract.hpp>
#include <trestle/reply.hpp>
#include <trestle/statistics.hpp>

#include <boost/describe/class.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "registry/handler_registry.hpp"

namespace trestle::system {

// ---- What travels ----

struct HandlerQuery {
  std::string handler_name;
  std::optional<std::int64_t> timeout_ms;  // unset: 30,000
};
BOOST_DESCRIBE_STRUCT(HandlerQuery, (), (handler_name, timeout_ms))

struct Availability {
  std::string handler_name;
  bool available = false;
};
BOOST_DESCRIBE_STRUCT(Availability, (), (handler_name, available))

struct ContractText {
  std::string kind;
  std::string request_type;
  std::string response_type;
};
BOOST_DESCRIBE_STRUCT(ContractText, (), (kind, request_type, response_type))

struct Discovery {
  std::string instance_id;
  std::vector<std::string> endpoints;
  std::optional<std::string> host;  // unset: not known
};
BOOST_DESCRIBE_STRUCT(Discovery, (), (instance_id, endpoints, host))

// ---- Handlers ----

/// What the handlers ask of their node. Called on whichever thread drives it, without a lock.
struct NodeFacts {
  InstanceId instance;
  HostId host;
  std::function<std::vector<std::string>()> endpoints;
  std::function<NodeStatistics()> statistics;
  std::function<TimePoint(std::chrono::nanoseconds)> time_after;  ///< saturates
  /// SystemHandlers::on_time() is called then, or before.
  std::function<void(TimePoint)> wake_at;
  std::chrono::nanoseconds wait_max;  ///< for a handler, where the caller sets no deadline
};

/// Threads: any.
class SystemHandlers {
 public:
  explicit SystemHandlers(registry::HandlerRegistry& handlers) : handlers_(handlers) {}

  /// Registers them all. `facts` are used until the registry is closed.
  Result<void> add_all(NodeFacts facts);

  /// Who waits for handlers is told that they will not come.
  void end_waits();
  /// Tells those who have waited long enough.
  void on_time();

 private:
  using Answer = Reply<Availability>;
  struct Wait;
  using WaitPtr = std::shared_ptr<Wait>;

  /// The caller, or its connection, is gone.
  struct GiveUp {
    SystemHandlers* handlers;
    std::weak_ptr<Wait> wait;
    void operator()() const {
      if (const auto still = wait.lock()) handlers->give_up(still);
    }
  };

  /// An answer that is put off until the handler comes.
  struct Wait {
    Wait(std::string n, Answer a, TimePoint u)
        : name(std::move(n)), answer(std::move(a)), until(u) {}

    const std::string name;
    const Answer answer;
    const TimePoint until;
    std::optional<std::stop_callback<GiveUp>> on_stop;
  };

  void wait_for_handler(const HandlerQuery& query, const Context& context, Answer answer);
  void tell_waiters(const std::string& name);
  void give_up(const WaitPtr& wait);

  registry::HandlerRegistry& handlers_;
  NodeFacts facts_;
  // A wait is in both, or in neither: then it was answered. None is destroyed under the lock.
  std::mutex mutex_;
  std::map<std::string, std::set<WaitPtr>, std::less<>> waits_;
  std::set<std::pair<TimePoint, WaitPtr>> by_time_;
  bool ended_ = false;
};

}  // namespace trestle::system
