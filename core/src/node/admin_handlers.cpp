// What a node does for those who may administer it.
#include "node/admin_handlers.hpp"

#include <array>
#include <utility>

namespace trestle::system {
namespace {

std::optional<std::string> endpoint_of(const ServiceQuery& query) {
  for (const auto& given : {query.endpoint, query.ipc_endpoint, query.tcp_endpoint}) {
    if (given && !given->empty()) return given;
  }
  return std::nullopt;
}

std::string no_instance(const std::string& text) {
  return "'" + text + "' is no instance id: a UUID is, such as _discover gives it";
}

}  // namespace

Result<void> AdminHandlers::add_all(AdminServices services) {
  services_ = std::move(services);
  const HandlerOptions at_once{Execution::inline_};
  const auto add = [this](const ServiceQuery& query, Context& context, Reply<Registration> answer) {
    register_service(query, context, answer);
  };
  const auto remove = [this](const RemovalQuery& query, Reply<Removal> answer) {
    remove_service(query, answer);
  };
  const auto shut_down = [this](Context& context) { services_.shut_down(context); };
  for (Handler& handler : std::array{unary("_register_service", add, at_once),
                                     unary("_remove_service", remove, at_once),
                                     ack("_request_shutdown", shut_down, at_once)}) {
    auto added = handlers_.add(guarded(std::move(handler)), registry::Owner::system);
    if (added.has_error()) return added;
  }
  return {};
}

Handler AdminHandlers::guarded(Handler handler) {
  handler.function = [this, run = std::move(handler.function)](Context& context, Payload& payload,
                                                               detail::Responder& responder) {
    // Before the payload is read: strangers get no decoder to try things out on.
    if (auto refusal = services_.refusal(context)) return responder.fail(*std::move(refusal));
    run(context, payload, responder);
  };
  return handler;
}

void AdminHandlers::register_service(const ServiceQuery& query, const Context& context,
                                     const Reply<Registration>& answer) {
  const auto instance = parse_instance_id(query.instance_id);
  if (!instance) return answer.fail(no_instance(query.instance_id));
  const auto endpoint = endpoint_of(query);
  if (!endpoint) {
    return answer.fail("no endpoint for " + query.instance_id +
                       ": give endpoint, ipc_endpoint or tcp_endpoint");
  }
  services_.connect(*endpoint, *instance, context,
                    [answer, id = query.instance_id, uri = *endpoint](const Result<void>& done) {
                      if (done.has_error()) return answer.fail(done.error().text);
                      answer(Registration{true, id, uri});
                    });
}

void AdminHandlers::remove_service(const RemovalQuery& query, const Reply<Removal>& answer) {
  const auto instance = parse_instance_id(query.instance_id);
  if (!instance) return answer.fail(no_instance(query.instance_id));
  if (*instance == services_.instance) {
    return answer.fail("a node cannot remove itself: _request_shutdown ends it");
  }
  const bool known = services_.knows(*instance);
  // First, because who removes itself gets nothing over a connection that is closing.
  answer(Removal{known, query.instance_id, query.rank});
  if (known) services_.forget(*instance);
}

}  // namespace trestle::system
