// What a handler can learn about the message it runs for.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>

#include <trestle/clock.hpp>
#include <trestle/codec_id.hpp>
#include <trestle/delivery_mode.hpp>
#include <trestle/export.hpp>
#include <trestle/headers.hpp>
#include <trestle/ids.hpp>

namespace trestle {

class Node;

namespace detail {
class Responder;
}

/// One message as its handler sees it. Lifetime: the handler's run; copy what outlives it. A
/// coroutine runs until it returns.
struct Context {
  Node& node;                                         ///< the node that runs the handler
  std::string_view handler_name{};                    ///< as registered
  InstanceId sender{};                                ///< `node.peer(sender)` reaches it
  MessageId message_id{};                             ///< equal to what the sender was told
  DeliveryMode mode = DeliveryMode::fire_and_forget;  ///< what the sender waits for
  Codec codec = Codec::bytes;                         ///< of the payload; a reply uses the same
  std::optional<TimePoint> deadline{};  ///< on the node's clock; the caller gives up then
  Headers headers{};                    ///< as the sender set them

  detail::Responder* responder = nullptr;  ///< of the node

  /// Stopped when the caller cancels the call, when its connection is lost, and when the node
  /// closes and has waited close_timeout. Threads: any while the handler runs; the token may be
  /// kept. A message that expects no outcome cannot be cancelled, nor does it matter where it came
  /// from: only the node's close stops it. Inline handlers that do not take a Reply end before
  /// anything could stop them: theirs is never stopped.
  TRESTLE_EXPORT std::stop_token stop_token() const;
};

}  // namespace trestle
