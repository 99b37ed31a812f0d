// What a node does for others who administer it, and for whom.
#include <trestle/detail/node_operations.hpp>

#include <unistd.h>

#include "node/node_core.hpp"

namespace trestle {
namespace {

std::string describe(const peers::Connection& connection) {
  const engine::Transport* transport = connection.transport();
  return "peer " + to_string(connection.peer().instance) + " (connection " +
         std::to_string(connection.number()) + " over " +
         (transport != nullptr ? transport->scheme() : std::string("the loopback")) + ")";
}

/// Its own process, its own user, or somebody whose key was checked. An instance id proves nothing:
/// anybody can claim any.
bool is_trusted(const peers::Connection& connection) {
  const engine::Transport* transport = connection.transport();
  if (transport == nullptr) return true;  // only loopbacks have none
  if (transport->has(TT_CAP_AUTHENTICATED)) return true;
  const std::int64_t user = transport->peer_user(connection);
  return user >= 0 && user == static_cast<std::int64_t>(::geteuid());
}

Error not_permitted(const Context& context, const peers::Connection& connection,
                    Administration allowed) {
  const std::string handler(context.handler_name);
  if (allowed == Administration::nobody) {
    return Error(Errc::not_permitted,
                 "'" + handler + "' is for nobody here (NodeOptions::remote_administration)");
  }
  return Error(Errc::not_permitted,
               "'" + handler + "' is not for " + describe(connection) +
                   ", who is neither of this process, nor of user " + std::to_string(::geteuid()) +
                   " on this host, nor authenticated: ask as that user over a unix socket, or over "
                   "a transport that authenticates (NodeOptions::remote_administration)");
}

}  // namespace

Result<void> NodeCore::register_admin_handlers() {
  const auto connect = [this](const std::string& uri, const InstanceId& expected,
                              const Context& context, std::function<void(Result<void>)> done) {
    ConnectOptions options{.expect = expected};
    // Its caller gets an answer while it still waits for one.
    if (context.deadline) options.timeout = (*context.deadline - now()) / 10 * 9;
    const auto tell = [done = std::move(done)](const Result<Peer>& connected) {
      done(connected.has_error() ? Result<void>(connected.error()) : Result<void>());
    };
    detail::start_connect(shared_from_this(), uri, options, tell, nullptr);
  };
  const auto knows = [this](const InstanceId& id) {
    const std::lock_guard lock(engine_.mutex());
    return peers_.find(id) != nullptr;
  };
  return admin_handlers_.add_all(
      {.instance = instance_,
       .refusal = [this](const Context& context) { return refuse_administration(context); },
       .connect = connect,
       .knows = knows,
       .forget = [this](const InstanceId& id) { forget_peer(id); },
       .shut_down = [this](const Context& context) { shut_down_for_peer(context); }});
}

std::optional<Error> NodeCore::refuse_administration(const Context& context) {
  const Administration allowed = options_.remote_administration;
  if (allowed == Administration::anybody) return std::nullopt;
  const std::lock_guard lock(engine_.mutex());
  const peers::Connection& sender = *context.responder->origin();
  if (allowed == Administration::trusted && is_trusted(sender)) return std::nullopt;
  Error refusal = not_permitted(context, sender, allowed);
  log_.add_repeated("administration", LogLevel::warning,
                    "refused " + describe(sender) + ": " + refusal.text);
  return refusal;
}

void NodeCore::forget_peer(const InstanceId& id) {
  const std::lock_guard lock(engine_.mutex());
  const auto known = peers_.find(id);
  if (known != nullptr) disconnect_locked(known);
}

void NodeCore::shut_down_for_peer(const Context& context) {
  {
    const std::lock_guard lock(engine_.mutex());
    log_.add(LogLevel::info,
             "asked to shut down by " + describe(*context.responder->origin()) + ": closing");
  }
  // By hand nothing closes but who drives: it finds the token stopped.
  if (options_.driver != nullptr) {
    stop_source_.request_stop();
  } else {
    close_elsewhere();
  }
}

std::string NodeCore::busy_handlers() const {
  std::string names;
  for (const auto& entry : handlers_.entries()) {
    const std::size_t count = entry->under_way.load(std::memory_order_relaxed);
    if (count == 0) continue;
    names +=
        (names.empty() ? " (" : ", ") + std::to_string(count) + " of '" + entry->handler.name + "'";
  }
  return names.empty() ? names : names + ")";
}

}  // namespace trestle
