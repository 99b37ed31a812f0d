// What connections, transports and handlers report to the node.
#include <trestle/manual_driver.hpp>

#include <algorithm>
#include <limits>

#include "log/logger.hpp"
#include "node/node_core.hpp"
#include "node/turn_scope.hpp"
#include "platform/host_identity.hpp"

namespace trestle {

// ---- Actions ----

std::size_t NodeCore::run_actions() {
  const TurnScope scope(*this);
  std::size_t ran = deliver_loopback();
  std::vector<Action> actions;
  {
    const std::lock_guard lock(actions_mutex_);
    actions.swap(actions_);
  }
  for (Action& action : actions) run(action);
  ran += actions.size();
  const std::lock_guard lock(engine_.mutex());
  turn_packets_.clear();
  flush_outputs();
  return ran;
}

void NodeCore::run(Action& action) {
  if (auto* completion = std::get_if<Completion>(&action)) {
    completion->sink->complete(std::move(completion->outcome));
    return;
  }
  try {
    std::get<std::function<void()>>(action)();
  } catch (const std::exception& e) {
    log(LogLevel::error, std::string("a function passed to Node::after threw: ") + e.what());
  } catch (...) {
    log(LogLevel::error, "a function passed to Node::after threw an exception of unknown type");
  }
}

bool NodeCore::has_work() const {
  if (stop_driving_.load(std::memory_order_relaxed)) return true;
  const std::lock_guard lock(actions_mutex_);
  return !actions_.empty() || !loopback_.empty() || !outputs_.empty();
}

void NodeCore::defer(std::function<void()> action) {
  {
    const std::lock_guard lock(actions_mutex_);
    actions_.emplace_back(std::move(action));
  }
  engine_.wake();
}

void NodeCore::on_outcome(calls::CallSink& sink, Result<Encoded> outcome) {
  {
    const std::lock_guard lock(actions_mutex_);
    actions_.emplace_back(Completion{&sink, std::move(outcome)});
  }
  engine_.wake();
}

std::size_t NodeCore::deliver_loopback() {
  const std::lock_guard lock(engine_.mutex());
  // Views into these packets live until the end of the turn.
  turn_packets_.swap(loopback_);
  loopback_bytes_ = 0;
  for (auto& [connection, packet] : turn_packets_) {
    engine::PacketSource source(nullptr);
    connection->on_packet(packet.view(), source);
  }
  for (const auto& connection : std::exchange(loopback_blocked_, {})) connection->on_writable();
  return turn_packets_.size();
}

bool NodeCore::has_loopback_room(peers::Connection& from, std::size_t bytes) {
  if (loopback_.empty() || loopback_bytes_ + bytes <= options_.queue_bytes_max) return true;
  loopback_blocked_.push_back(from.shared_from_this());
  return false;
}

void NodeCore::on_loopback(peers::Connection& to, Payload packet) {
  loopback_bytes_ += packet.size();
  loopback_.emplace_back(to.shared_from_this(), std::move(packet));
  engine_.wake();
}

// ---- Output ----

void NodeCore::on_output(peers::Connection& connection) {
  outputs_.push_back(connection.shared_from_this());
}

void NodeCore::flush_outputs() {
  // Flushing may fail a connection, which may add to the list.
  while (!outputs_.empty()) {
    const auto outputs = std::exchange(outputs_, {});
    for (const auto& connection : outputs) connection->flush();
  }
}

void NodeCore::send(const std::function<void()>& send) {
  const std::lock_guard lock(engine_.mutex());
  send();
  // On the driving thread, all replies of a turn leave together at its end.
  if (!TurnScope::is_in_turn_of(*this)) flush_outputs();
}

void NodeCore::log_handler_error(std::string_view handler, const Error& error) {
  log(LogLevel::warning, "handler '" + std::string(handler) +
                             "' failed and nobody waits for it: " + log::printable(error.text));
}

// ---- Connections ----

wire::Hello NodeCore::own_hello(std::uint32_t number) const {
  wire::Hello hello;
  hello.instance = instance_;
  hello.incarnation = incarnation_;
  hello.connection = number;
  hello.host = platform::host_identity();
  hello.frame_bytes_max = static_cast<std::uint32_t>(
      std::min<std::size_t>(options_.message_bytes_max, std::numeric_limits<std::uint32_t>::max()));
  return hello;
}

engine::LinkEvents& NodeCore::on_accepted(engine::Transport& transport, tt_conn* conn) {
  auto connection = new_connection(peers::Opener::peer);
  connection->attach(transport, conn);
  return *connection;
}

Result<void> NodeCore::on_hello(peers::Connection& connection, const peers::PeerFacts& peer) {
  if (peer.instance == instance_ && peer.incarnation == incarnation_) {
    // Whoever asked for this connection gets the loopback instead.
    finish_dial(connection, peers_.find(instance_));
  }
  return peers_.admit(connection, peer, shared_from_this());
}

void NodeCore::on_open(peers::Connection& connection) {
  peers_.settle_duplicates(*connection.link);
  finish_dial(connection, connection.link);
  if (closing_) connection.send_goodbye(Errc::draining, "the peer is shutting down");
}

void NodeCore::on_request(peers::Connection& connection, const wire::Request& request,
                          std::string_view handler, engine::PacketSource& source) {
  dispatcher_.on_request(connection, request, handler, source);
}

void NodeCore::on_rejected(peers::Connection&, const wire::Rejected&) {
  ++rejected_;
}

void NodeCore::on_protocol_error(peers::Connection& connection, const Error& error) {
  ++protocol_errors_;
  log(LogLevel::warning, "connection " + std::to_string(connection.number()) +
                             " ended, the peer broke the protocol: " + log::printable(error.text));
}

void NodeCore::on_refused(peers::Connection& connection, const Error& why) {
  finish_dial(connection, why);
}

void NodeCore::on_closed(peers::Connection& connection, const Error& why) {
  finish_dial(connection, why);
  peers_.remove(connection);
  connections_.erase(&connection);
}

void NodeCore::on_transport_failed(engine::Transport& transport) {
  const auto all = connections_;
  for (const auto& entry : all) {
    if (entry.second->transport() != &transport) continue;
    entry.second->on_closed(TT_E_FAILED, "transport '" + transport.scheme() + "' failed");
  }
}

}  // namespace trestle
