// A message on its way to its handler, and the answer on its way back.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/headers.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "wire/frame.hpp"

namespace trestle::peers {
class Connection;
}
namespace trestle::registry {
struct Entry;
}

namespace trestle::dispatch {

/// One message for an inline handler. Lifetime of what it points to: the leader's present work;
/// see KeptMessage for longer.
struct Message {
  peers::Connection* connection = nullptr;
  registry::Entry* entry = nullptr;
  wire::CallId call;
  DeliveryMode mode = DeliveryMode::fire_and_forget;
  Codec codec = Codec::bytes;
  bool wants_accepted = false;  // its sender is told when the handler starts
  std::optional<TimePoint> deadline;
  Payload payload;
  Headers headers;
};

struct KeptMessage;

/// The handler ended, and that is all there is to say.
struct Acknowledged {};
/// Nobody waits for an outcome; only the room in the window of requests comes back.
struct Forgotten {};

/// The handler starts; the outcome follows.
struct Started {};
/// The handler is what the sender expects; the outcome follows.
struct Receipt {
  std::shared_ptr<registry::Entry> entry;
};
/// Nothing to tell yet: the message is kept from now on, and can be cancelled.
struct Kept {
  std::weak_ptr<KeptMessage> message;
};

/// What the sender of a message is told.
struct Answer {
  using What = std::variant<Acknowledged, Encoded, Error, Forgotten, Started, Receipt, Kept>;

  /// Makes it in place; clang 14 cannot do that with an aggregate.
  template <class Alternative>
  Answer(peers::Connection* from, wire::CallId id, Alternative&& answer)
      : connection(from), call(id), what(std::forward<Alternative>(answer)) {}

  peers::Connection* connection;
  wire::CallId call;
  What what;

  /// Nothing follows.
  bool is_outcome() const noexcept { return what.index() < 3; }
};

}  // namespace trestle::dispatch
