// What is sent without an outcome, and how far its senders may run ahead.
#include <algorithm>
#include <utility>

#include "node/outgoing_calls.hpp"
#include "node/turn_scope.hpp"
#include "node/wait_limit.hpp"

namespace trestle {
namespace {

// What one wait is worth; a run of smaller messages leaves in packets of this size.
constexpr std::size_t paced_bytes_min = 64 * 1024;
// A peer that does not read is queue_bytes_max' affair.
constexpr std::chrono::milliseconds longest_pace{10};

}  // namespace

bool OutgoingCalls::may_pace() const {
  return options_.send_ahead_bytes != 0 && options_.when_full == WhenFull::wait &&
         options_.driver == nullptr && !TurnScope::is_in_any_turn();
}

void OutgoingCalls::pace(engine::Lock& lock, const peers::Connection& connection) {
  // A connection that is closing has no part in the end of the node, which ends all waits.
  if (!connection.is_open() || connection.unsent_bytes() <= options_.send_ahead_bytes) return;
  PacedSender sender(connection);
  paced_.push_back(&sender);
  WaitLimit limit(leadership_, sender);
  engine_.arm_timer(limit, engine_.time_after(longest_pace));
  host_.wait(lock, sender);
  lock.lock();
  engine_.cancel_timer(limit);
  std::erase(paced_, &sender);
}

void OutgoingCalls::release_paced() {
  for (PacedSender* sender : paced_) {
    // Half of it, not the first gap: whoever waited goes on with a run of messages.
    const bool has_room = sender->connection.unsent_bytes() <= options_.send_ahead_bytes / 2;
    if (has_room && !sender->is_done()) leadership_.finish(*sender);
  }
}

void OutgoingCalls::release_all_paced() {
  for (PacedSender* sender : paced_) {
    if (!sender->is_done()) leadership_.finish(*sender);
  }
}

std::optional<MessageId> OutgoingCalls::admit_small(const CallTarget& target, Codec codec,
                                                    BytesView payload) {
  const CallOptions& options = target.options;
  const bool is_plain =
      !options.deadline && !options.stop.stop_possible() && options.headers.empty();
  if (!is_plain) return std::nullopt;
  std::shared_ptr<const peers::Connection> paced;  // what it holds is not destroyed with the lock
  engine::Lock lock(engine_.mutex());
  if (host_.is_undriven()) return std::nullopt;
  peers::Connection* const connection = peers::only_connection(*target.link);
  if (connection == nullptr) return std::nullopt;
  const auto sent = connection->send_small(target.handler, codec, payload);
  if (!sent) return std::nullopt;
  ++counts_.messages_sent;
  const auto id = MessageId::from_halves(connection->own_origin(), sent->id.value);
  using Place = peers::SmallMessage::Place;
  const bool is_in_turn = TurnScope::is_in_any_turn() && host_.is_in_turn();
  if (is_in_turn) {
    if (sent->place <= Place::new_packet) connection->announce_output();
    return id;
  }
  // It leaves with those that it has joined.
  if (sent->place == Place::run) return id;
  if (sent->place == Place::packet && connection->is_held && !is_short_train(*connection))
    return id;
  if (sent->place != Place::new_run) let_leave(*connection, sent->place);
  if (sent->place != Place::packet && may_pace()) {
    paced = connection->shared_from_this();
    pace(lock, *paced);
  }
  host_.drop_spent(lock);
  return id;
}

bool OutgoingCalls::is_short_train(const peers::Connection& connection) const {
  return options_.send_delay_bytes < paced_bytes_min &&
         connection.queued_bytes() >= options_.send_delay_bytes;
}

void OutgoingCalls::let_leave(peers::Connection& connection, peers::SmallMessage::Place place) {
  const TimePoint now = engine_.now();
  if (place == peers::SmallMessage::Place::new_packet && connection.is_held &&
      connection.queued_bytes() >= options_.send_delay_bytes) {
    host_.flush_full(connection, now);
  } else {
    connection.announce_output();
    host_.flush_soon(connection, now);
  }
}

Result<MessageId> OutgoingCalls::admit(const CallTarget& target, Encoded&& argument) {
  if (auto valid = check_handler_name(target.handler); valid.has_error())
    return std::move(valid).error();
  peers::OutgoingRequest request{.handler = target.handler,
                                 .mode = DeliveryMode::fire_and_forget,
                                 .argument = std::move(argument)};
  if (auto ready = prepare(target, request); ready.has_error()) return std::move(ready).error();
  std::shared_ptr<const peers::Connection> paced;  // what it holds is not destroyed with the lock
  engine::Lock lock(engine_.mutex());
  auto connection = host_.route(*target.link, request.deadline.value_or(TimePoint::max()));
  if (connection.has_error()) return std::move(connection).error();
  if (request.argument.payload.size() >= paced_bytes_min && may_pace())
    paced = (*connection)->shared_from_this();
  const Patience patience{std::exchange(request.deadline, {}), target.options.stop,
                          options_.when_full};
  const std::uint64_t origin = (*connection)->own_origin();
  auto sent = send_or_wait(lock, **connection, std::move(request), nullptr, patience);
  if (sent.has_error()) {
    host_.drop_spent(lock);
    return std::move(sent).error();
  }
  ++counts_.messages_sent;
  if (!host_.is_in_turn()) host_.drop_spent(lock);
  if (paced != nullptr) pace(lock, *paced);
  return MessageId::from_halves(origin, sent->value);
}

}  // namespace trestle
