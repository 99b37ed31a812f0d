// Admission: from a request frame to a message that runs in this turn, or is kept.
#include "dispatch/dispatcher.hpp"

#include <string>
#include <utility>

#include "dispatch/handler_fit.hpp"
#include "dispatch/responders.hpp"

namespace trestle::dispatch {
namespace {

/// `what` of a connection, which holds some of it, has no more room.
Error no_room_for(std::string_view what, const FairBudget::Holder& holder, std::size_t limit,
                  std::string_view option) {
  return Error(Errc::overloaded,
               "the " + std::string(what) + " of this connection that wait for handlers are " +
                   std::to_string(holder.amount()) +
                   ", more than is left for others, or there is no room at all: " +
                   std::string(option) + " is " + std::to_string(limit));
}

Error too_many_requests(std::size_t limit) {
  return Error(Errc::overloaded, "the outcomes of " + std::to_string(limit) +
                                     " requests of this connection are not known yet "
                                     "(requests_max)");
}

}  // namespace

void Dispatcher::count_rejected(Errc code) noexcept {
  ++received_;
  handlers_.tally().refused(refusal_of(Error(code, {})));
}

void Dispatcher::refuse(peers::Connection& connection, const wire::Request& request,
                        registry::Entry* entry, const Error& error) {
  const Refusal why = refusal_of(error);
  entry != nullptr ? entry->count(why) : handlers_.tally().refused(why);
  if (request.call.expects_outcome()) {
    connection.send_nack(request.call, error);
  } else if (connection.count_forgotten()) {
    connection.send_window();
  }
}

bool Dispatcher::admit(peers::Connection& connection, const wire::Request& request,
                       peers::HandlerName& handler) {
  // A Result for each message would cost more than all of this.
  const auto refused = [&](const Error& why) {
    const bool known = handler.entry != nullptr && !handler.entry->removed;
    refuse(connection, request, known ? handler.entry.get() : handlers_.find(handler.name).get(),
           why);
    return false;
  };
  if (gate_closed_.load(std::memory_order_relaxed)) {
    return refused(Error(Errc::draining, "the peer is shutting down"));
  }
  if (connection.has_left()) {
    return refused(Error(Errc::draining, "the sender said goodbye before it sent this request"));
  }
  if (connection.is_congested()) {
    return refused(Error(Errc::overloaded,
                         "the outcomes of earlier requests wait to be read (queue_bytes_max)"));
  }
  if (requests_max_ != 0 &&
      connection.requests_running.load(std::memory_order_relaxed) >= requests_max_) {
    return refused(too_many_requests(requests_max_));
  }
  if (handler.entry != nullptr && handler.entry->removed.load(std::memory_order_relaxed)) {
    events_.bury(std::exchange(handler.entry, nullptr));  // messages before this one may name it
  }
  if (handler.entry == nullptr) handler.entry = handlers_.find(handler.name);
  if (handler.entry == nullptr) {
    return refused(Error(Errc::handler_not_found, "No handler for '" + handler.name + "'"));
  }
  if (fits(request.mode, handler.entry->handler.kind)) return true;
  auto checked = check_fit(request, handler.entry->handler);
  return checked.has_value() || refused(checked.error());
}

void Dispatcher::on_request(peers::Connection& connection, wire::Request& request,
                            peers::HandlerName& handler, engine::PacketSource& source) {
  ++received_;
  if (!admit(connection, request, handler)) return;
  registry::Entry& entry = *handler.entry;
  if (!runs_in_turn(entry)) {
    Message message;
    fill(message, connection, entry, request);
    return keep_and_start(std::move(message), source, request);
  }
  ++entry.admitted;
  fill(events_.deliver(source.keep(request.payload)), connection, entry, request);
  // It runs in this very turn: as good as done.
  if (!request.call.expects_outcome() && connection.count_forgotten()) connection.send_window();
}

void Dispatcher::fill(Message& message, peers::Connection& connection, registry::Entry& entry,
                      wire::Request& request) {
  message.connection = &connection;
  message.entry = &entry;
  message.call = request.call;
  message.mode = request.mode;
  message.codec = request.codec;
  message.wants_accepted = request.wants_accepted;
  if (request.deadline_ms != 0) {
    message.deadline = events_.recent_time() + std::chrono::milliseconds(request.deadline_ms);
  }
  message.headers = std::move(request.headers);
}

void Dispatcher::keep_and_start(Message message, engine::PacketSource& source,
                                const wire::Request& request) {
  peers::Connection& connection = *message.connection;
  auto place = places_.take(connection.messages_waiting, 1);
  if (!place) {
    return refuse(connection, request, message.entry,
                  no_room_for("messages", connection.messages_waiting, places_.amount_max(),
                              "spawn_queue_messages"));
  }
  auto bytes = kept_bytes_.take(connection.bytes_waiting, request.payload.size());
  if (!bytes) {
    return refuse(connection, request, message.entry,
                  no_room_for("bytes", connection.bytes_waiting, kept_bytes_.amount_max(),
                              "spawn_queue_bytes"));
  }
  message.payload = source.keep(request.payload);
  auto kept = keep(message);
  kept->payload = std::move(message.payload);
  kept->headers = std::move(message.headers);
  kept->place = std::move(place);
  kept->bytes = std::move(bytes);
  const bool with_receipt = wants_receipt(message) && kept->entry->batches == nullptr;
  if (with_receipt) ++kept->obstacles;
  if (connection.must_announce_room()) connection.send_window();
  if (kept->entry->is_ungated && !node_permits_.is_limited()) {
    go_on(kept);
  } else if (const auto full = kept->entry->batches ? join_batch(kept) : line_up(kept)) {
    forgo(*kept);
    return refuse(connection, request, kept->entry, *full);
  }
  ++kept->entry->admitted;
  // It cannot have been answered: that needs the lock.
  if (request.call.expects_outcome()) connection.add_running(request.call, kept);
  if (!with_receipt) return;
  events_.defer([this, kept] {
    if (give_receipt(kept)) go_on(kept);
  });
}

std::shared_ptr<KeptMessage> Dispatcher::keep(const Message& message) {
  auto kept = std::make_shared<KeptMessage>();
  kept->connection = message.connection;
  kept->entry = message.entry;
  kept->call = message.call;
  kept->mode = message.mode;
  kept->codec = message.codec;
  kept->wants_accepted = message.wants_accepted;
  kept->deadline = message.deadline;
  kept->kept_at = events_.recent_time();
  message.entry->under_way.fetch_add(1, std::memory_order_relaxed);
  kept->connection_owner = message.connection->shared_from_this();
  kept->entry_owner = message.entry->shared_from_this();
  message.connection->requests_running.fetch_add(1, std::memory_order_seq_cst);
  running_.fetch_add(1, std::memory_order_relaxed);
  return kept;
}

void Dispatcher::forgo(KeptMessage& message) {
  claim(message);
  leave_gates(message);
  leave_window(message);
  message.entry->under_way.fetch_sub(1, std::memory_order_relaxed);
  running_.fetch_sub(1, std::memory_order_release);
}

}  // namespace trestle::dispatch
