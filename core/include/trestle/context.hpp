// What a handler can learn about the message it runs for.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <trestle/clock.hpp>
#include <trestle/codec_id.hpp>
#include <trestle/delivery_mode.hpp>
#include <trestle/ids.hpp>

namespace trestle {

class Node;

/// One message as its handler sees it. Lifetime: the handler's run; copy what outlives it.
struct Context {
  Node& node;  ///< the node that runs the handler
  std::string_view handler_name{};
  InstanceId sender{};     ///< `node.peer(sender)` reaches it
  MessageId message_id{};  ///< equal to what the sender was told
  DeliveryMode mode = DeliveryMode::fire_and_forget;
  Codec codec = Codec::bytes;           ///< of the payload; a reply uses the same
  std::optional<TimePoint> deadline{};  ///< on the node's clock; the caller gives up then
};

}  // namespace trestle
