// What peers are asked, and how their answers are read.
#include <trestle/detail/read_reply.hpp>
#include <trestle/detail/system_question.hpp>
#include <trestle/health.hpp>
#include <trestle/statistics.hpp>

#include <algorithm>
#include <utility>

#include "node/admin_handlers.hpp"
#include "node/system_handlers.hpp"

namespace trestle::detail {
namespace {

using namespace std::chrono_literals;

template <class T>
SystemQuestion question(std::string_view handler, const T& value) {
  SystemQuestion question(handler);
  auto bytes = encode(Codec::msgpack, value);
  if (bytes.has_error()) {
    question.argument = std::move(bytes).error();
  } else {
    question.argument = std::string(as_text(bytes->view()));
  }
  return question;
}

}  // namespace

SystemQuestion SystemQuestion::for_contract(std::string_view name) {
  return question("_contract", std::string(name));
}

SystemQuestion SystemQuestion::for_arrival(std::string_view name,
                                           std::chrono::nanoseconds timeout) {
  // Saturates: what is endless for the application is so in whole milliseconds, too.
  const std::chrono::nanoseconds most = std::chrono::nanoseconds::max();
  const auto wait = timeout < most - 1ms ? std::chrono::ceil<std::chrono::milliseconds>(timeout)
                                         : std::chrono::milliseconds(most / 1ms);
  auto arrival =
      question("_wait_for_handler", system::HandlerQuery{std::string(name), wait.count()});
  // The peer answers within the timeout; what is on top is for the way.
  const auto on_the_way = std::max<std::chrono::nanoseconds>(std::chrono::seconds(1), wait / 8);
  arrival.timeout = wait < most - on_the_way ? wait + on_the_way : most;
  return arrival;
}

SystemQuestion SystemQuestion::for_shutdown() {
  SystemQuestion shutdown("_request_shutdown");
  shutdown.mode = DeliveryMode::confirmed;
  return shutdown;
}

SystemQuestion SystemQuestion::for_service(const InstanceId& instance, std::string_view endpoint) {
  return question("_register_service", system::ServiceQuery{.instance_id = to_string(instance),
                                                            .endpoint = std::string(endpoint),
                                                            .ipc_endpoint = {},
                                                            .tcp_endpoint = {}});
}

SystemQuestion SystemQuestion::for_removal(const InstanceId& instance) {
  return question("_remove_service", system::RemovalQuery{to_string(instance), {}});
}

// ---- Answers ----

Result<std::vector<std::string>> ReadHandlers::operator()(Result<Encoded>&& answer) const {
  return read_reply<std::vector<std::string>>(std::move(answer));
}

Result<Health> ReadHealth::operator()(Result<Encoded>&& answer) const {
  return read_reply<Health>(std::move(answer));
}

Result<PeerInfo> ReadIdentity::operator()(Result<Encoded>&& answer) const {
  auto found = read_reply<system::Discovery>(std::move(answer));
  if (found.has_error()) return std::move(found).error();
  auto instance = parse_instance_id(found->instance_id);
  if (!instance) {
    return Error(Errc::bad_reply, "the peer gave '" + found->instance_id + "' as instance id");
  }
  HostId host;
  if (found->host) host = parse_host_id(*found->host).value_or(HostId());
  return PeerInfo{*instance, WorkerAddress(std::move(found->endpoints)), host};
}

Result<NodeStatistics> ReadStatistics::operator()(Result<Encoded>&& answer) const {
  return read_reply<NodeStatistics>(std::move(answer));
}

Result<HandlerContract> ReadContract::operator()(Result<Encoded>&& answer) const {
  auto text = read_reply<system::ContractText>(std::move(answer));
  if (text.has_error()) return std::move(text).error();
  const auto kind = parse_handler_kind(text->kind);
  if (!kind) {
    return Error(Errc::bad_reply,
                 "the peer says that the handler is of the unknown kind '" + text->kind + "'");
  }
  return HandlerContract{*kind, std::move(text->request_type), std::move(text->response_type)};
}

Result<bool> ReadArrival::operator()(Result<Encoded>&& answer) const {
  auto reply = read_reply<system::Availability>(std::move(answer));
  if (reply.has_error()) return std::move(reply).error();
  return reply->available;
}

Result<bool> ReadRemoval::operator()(Result<Encoded>&& answer) const {
  const auto removal = read_reply<system::Removal>(std::move(answer));
  if (removal.has_error()) return removal.error();
  return removal->removed;
}

}  // namespace trestle::detail
