// A message on its way to its handler, and the answer on its way back.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>

#include <memory>
#include <optional>
#include <variant>

#include "dispatch/byte_budget.hpp"
#include "wire/frame.hpp"

namespace trestle::peers {
class Connection;
}
namespace trestle::registry {
struct Entry;
}

namespace trestle::dispatch {

/// One message for an inline handler. Lifetime of what it points to: the leader's present work;
/// see Dispatcher::keep() for longer.
struct Message {
  peers::Connection* connection = nullptr;
  registry::Entry* entry = nullptr;
  wire::CallId call;
  DeliveryMode mode = DeliveryMode::fire_and_forget;
  Codec codec = Codec::bytes;
  std::optional<TimePoint> deadline;
  Payload payload;
};

/// A message that waits for a worker or a permit, or whose answer comes later. It counts among the
/// requests under way until then.
struct KeptMessage : Message {
  std::shared_ptr<peers::Connection> connection_owner;
  std::shared_ptr<registry::Entry> entry_owner;
  ByteBudget::Share share;      // of the bytes that may wait
  bool occupies_window = true;  // false: its sender was told already that there is room
};

/// The handler ended, and that is all there is to say.
struct Acknowledged {};
/// Nobody waits for an outcome; only the room in the window of requests comes back.
struct Forgotten {};

/// What the sender of a message is told.
struct Answer {
  peers::Connection* connection = nullptr;
  wire::CallId call;
  std::variant<Acknowledged, Forgotten, Encoded, Error> what;
};

}  // namespace trestle::dispatch
