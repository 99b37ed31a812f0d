// Requests on their way into a connection, and those that wait for it.
#pragma once

#include <trestle/detail/open_call.hpp>
#include <trestle/error.hpp>
#include <trestle/ids.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "calls/call_table.hpp"
#include "engine/leadership.hpp"
#include "memory/block_allocator.hpp"
#include "peers/message_run.hpp"
#include "wire/frame.hpp"

namespace trestle::peers {

class Connection;

/// What ends a call in good order.
inline calls::Awaits awaited_by(DeliveryMode mode) noexcept {
  const bool ack = mode == DeliveryMode::confirmed || mode == DeliveryMode::with_receipt_ack;
  return ack ? calls::Awaits::ack : calls::Awaits::reply;
}

/// A deadline as it travels: milliseconds left, 0 for none. One that is over is the least there is.
inline std::uint32_t wire_deadline(std::optional<TimePoint> deadline, TimePoint now) {
  if (!deadline) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - now).count();
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, most));
}

/// A request as the application made it.
struct OutgoingRequest {
  std::string_view handler;
  DeliveryMode mode = DeliveryMode::fire_and_forget;
  Encoded argument;
  std::optional<TimePoint> deadline{};
  TimePoint made_at{0};
  bool wants_accepted = false;
  std::unique_ptr<Expectation> expectation{};  // for modes with a receipt
};

/// A request that waits until the queue has room, and the thread that made it.
struct BlockedSend : engine::Waiter {
  OutgoingRequest request;
  calls::CallSink* sink = nullptr;
  std::shared_ptr<Connection> at{};  ///< where it waits: another one, if the first is lost
  /// Once it is done; until then, what its deadline finds.
  Result<wire::CallId> admitted = Error(
      Errc::deadline_exceeded, "no room in the send queue (queue_bytes_max) before the deadline");
};

/// A message that was taken without waiting for anything.
struct SmallMessage {
  enum class Place {
    packet,      ///< that holds others
    new_packet,  ///< behind full ones
    run,         ///< of those that wait for the peer's window
    new_run,     ///< behind a full one
  };
  wire::CallId id;
  Place place;
};

/// A call that may be made without waiting for anything, with less than Outbox::lend_bytes_min.
/// Lifetime: that of a function call.
struct SmallCall {
  std::string_view handler;
  DeliveryMode mode;
  Codec codec;
  BytesView payload;
  std::optional<TimePoint> deadline;
  TimePoint made_at;
};

/// A request that waits for the handshake, or for room in the peer's window.
struct DeferredRequest {
  std::string handler;
  OutgoingRequest request;  // but for the name of the handler
  wire::CallId call;
  std::size_t bytes = 0;            // of its frame
  bool is_forgotten = false;        // nobody waits for its outcome any more
  std::optional<MessageRun> run{};  // instead of all that
};
using DeferredRequests = std::list<DeferredRequest, memory::BlockAllocator<DeferredRequest>>;

}  // namespace trestle::peers
