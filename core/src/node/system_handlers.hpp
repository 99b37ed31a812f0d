// The handlers that every node has: those whose names start with '_'.
#pragma once

#include <trestle/contract.hpp>
#include <trestle/reply.hpp>

#include <boost/describe/class.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
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
};
BOOST_DESCRIBE_STRUCT(Discovery, (), (instance_id, endpoints))

// ---- Handlers ----

/// What the handlers ask of their node. Called on whichever thread drives it, without a lock.
struct NodeFacts {
  InstanceId instance;
  std::function<std::vector<std::string>()> endpoints;
  std::function<bool()> is_draining;
  std::function<TimePoint()> now;
  std::function<void(std::chrono::nanoseconds, std::function<void()>)> after;
};

/// Threads: any.
class SystemHandlers {
 public:
  explicit SystemHandlers(registry::HandlerRegistry& handlers) : handlers_(handlers) {}

  /// Registers them all. `facts` are used until the registry is closed.
  Result<void> add_all(NodeFacts facts);

  /// Who waits for handlers is told that they will not come.
  void end_waits();

 private:
  using Answer = Reply<Availability>;
  /// Answers that wait, by the handler's name.
  using Waits = std::map<std::string, std::list<std::shared_ptr<Answer>>, std::less<>>;

  void wait_for_handler(const HandlerQuery& query, const Context& context, Answer answer);
  void tell_waiters(const std::string& name);
  void give_up(const std::string& name, const std::shared_ptr<Answer>& answer);

  registry::HandlerRegistry& handlers_;
  NodeFacts facts_;
  std::mutex mutex_;
  Waits waits_;
  bool ended_ = false;
};

}  // namespace trestle::system
