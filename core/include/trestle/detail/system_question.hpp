// Questions to the handlers that every node has, and what their answers say.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <trestle/contract.hpp>
#include <trestle/delivery_mode.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/ids.hpp>
#include <trestle/peer_info.hpp>

namespace trestle {
struct Health;
struct NodeStatistics;
}  // namespace trestle

namespace trestle::detail {

/// One question; Peer sends it. Copyable, as Asio wants its operations. No aggregate: it crosses
/// co_await.
struct TRESTLE_EXPORT SystemQuestion {
  explicit SystemQuestion(std::string_view system_handler) : handler(system_handler) {}

  std::string_view handler;  // of a literal
  DeliveryMode mode = DeliveryMode::with_response;
  Result<std::string> argument = std::string();       // in MessagePack
  std::optional<std::chrono::nanoseconds> timeout{};  // in place of the peer's

  static SystemQuestion for_handlers() { return SystemQuestion("_list_handlers"); }
  static SystemQuestion for_health() { return SystemQuestion("_health_check"); }
  static SystemQuestion for_identity() { return SystemQuestion("_discover"); }
  static SystemQuestion for_statistics() { return SystemQuestion("_statistics"); }
  static SystemQuestion for_contract(std::string_view name);
  static SystemQuestion for_arrival(std::string_view name, std::chrono::nanoseconds timeout);
  static SystemQuestion for_shutdown();
  static SystemQuestion for_service(const InstanceId& instance, std::string_view endpoint);
  static SystemQuestion for_removal(const InstanceId& instance);
};

// ---- Answers ----

struct TRESTLE_EXPORT ReadHandlers {
  Result<std::vector<std::string>> operator()(Result<Encoded>&& answer) const;
};
struct TRESTLE_EXPORT ReadHealth {
  Result<Health> operator()(Result<Encoded>&& answer) const;
};
struct TRESTLE_EXPORT ReadIdentity {
  Result<PeerInfo> operator()(Result<Encoded>&& answer) const;
};
struct TRESTLE_EXPORT ReadStatistics {
  Result<NodeStatistics> operator()(Result<Encoded>&& answer) const;
};
struct TRESTLE_EXPORT ReadContract {
  Result<HandlerContract> operator()(Result<Encoded>&& answer) const;
};
struct TRESTLE_EXPORT ReadArrival {
  Result<bool> operator()(Result<Encoded>&& answer) const;
};
struct TRESTLE_EXPORT ReadRemoval {
  Result<bool> operator()(Result<Encoded>&& answer) const;
};
struct DropReply {
  Result<void> operator()(const Result<Encoded>& outcome) const {
    if (outcome.has_error()) return outcome.error();
    return {};
  }
};

}  // namespace trestle::detail
