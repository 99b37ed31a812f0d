// The handlers that change a node from afar: a shutdown, whom it is connected to.
#pragma once

#include <trestle/context.hpp>
#include <trestle/error.hpp>
#include <trestle/handler.hpp>
#include <trestle/ids.hpp>
#include <trestle/reply.hpp>

#include <boost/describe/class.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "registry/handler_registry.hpp"

namespace trestle::system {

// ---- What travels ----

/// Of the endpoints, the first that is there counts; one is enough.
struct ServiceQuery {
  std::string instance_id;
  std::optional<std::string> endpoint;
  std::optional<std::string> ipc_endpoint;
  std::optional<std::string> tcp_endpoint;
};
BOOST_DESCRIBE_STRUCT(ServiceQuery, (), (instance_id, endpoint, ipc_endpoint, tcp_endpoint))

struct Registration {
  bool registered = false;
  std::string instance_id;
  std::string endpoint;
};
BOOST_DESCRIBE_STRUCT(Registration, (), (registered, instance_id, endpoint))

struct RemovalQuery {
  std::string instance_id;
  std::optional<std::int64_t> rank;  // handed back: whoever keeps ranks knows what it means
};
BOOST_DESCRIBE_STRUCT(RemovalQuery, (), (instance_id, rank))

struct Removal {
  bool removed = false;
  std::string instance_id;
  std::optional<std::int64_t> rank;
};
BOOST_DESCRIBE_STRUCT(Removal, (), (removed, instance_id, rank))

// ---- Handlers ----

/// What the handlers ask of their node. Called on whichever thread drives it, without a lock.
struct AdminServices {
  InstanceId instance;
  /// Why the sender may not; empty: it may. Says so in the log.
  std::function<std::optional<Error>(const Context&)> refusal;
  std::function<void(const std::string& uri, const InstanceId& expected, const Context&,
                     std::function<void(Result<void>)> done)>
      connect;
  std::function<bool(const InstanceId&)> knows;
  std::function<void(const InstanceId&)> forget;
  std::function<void(const Context&)> shut_down;
};

/// Threads: any.
class AdminHandlers {
 public:
  explicit AdminHandlers(registry::HandlerRegistry& handlers) : handlers_(handlers) {}

  /// Registers them all. `services` are used until the registry is closed.
  Result<void> add_all(AdminServices services);

 private:
  /// Runs it for those alone who may.
  Handler guarded(Handler handler);
  void register_service(const ServiceQuery& query, const Context& context,
                        const Reply<Registration>& answer);
  void remove_service(const RemovalQuery& query, const Reply<Removal>& answer);

  registry::HandlerRegistry& handlers_;
  AdminServices services_;
};

}  // namespace trestle::system
