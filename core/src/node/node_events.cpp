// What connections, transports and handlers report to the node.
#include <trestle/manual_driver.hpp>

#include <algorithm>
#include <array>
#include <limits>

#include "log/logger.hpp"
#include "node/call_state.hpp"
#include "node/inline_scope.hpp"
#include "node/node_core.hpp"
#include "node/turn_scope.hpp"
#include "platform/host_identity.hpp"

namespace trestle {

// ---- Turns ----

std::size_t NodeCore::turn(engine::Lock& lock) {
  const std::size_t handled = run_turn(lock);
  if (!spent_.empty()) {
    ++turns_on_stack_;
    const TurnScope scope(*this);
    drop_spent(lock);
    --turns_on_stack_;
    check_awaited();  // what came meanwhile found a turn on the stack
  }
  return handled;
}

std::size_t NodeCore::run_turn(engine::Lock& lock) {
  work_is_ours_ = true;
  // Within another turn, whose handler may wait for what these lead to. First, because what comes
  // in may cancel what they keep.
  if (!work_.answers.empty()) send_answers();
  std::size_t handled = engine_.collect() + loopback_.deliver() + backlog_.read_on();
  if (!deferred_.empty()) {
    for (Action& action : deferred_.take()) work_.items.push(std::move(action));
  }
  if (!work_.items.empty()) {
    // Whatever is held back for more to leave with shall not wait for handlers.
    flush_before_work();
    handled += run_work(lock);
  }
  if (!held_.empty()) release_held_outputs(engine_.recent_time());
  outputs_.empty() ? calls_.on_flushed() : flush_turn();
  if (!buried_.empty() && may_drop_buried()) {
    auto buried = take_buried();
    work_is_ours_ = false;
    run_user_code(lock, [&] { buried.clear(); });  // what they hold may be the application's
  }
  work_is_ours_ = false;
  check_awaited();  // last, because user code may hold up what is awaited
  return handled;
}

void NodeCore::check_awaited_now() {
  if (condition_waiter_->is_done()) return;
  if (awaited_condition_()) leadership_.finish(*condition_waiter_);
}

void NodeCore::on_idle() {
  if (!closing_) return;
  const engine::Lock lock(engine_.mutex());
  check_awaited();
}

void NodeCore::drop_spent(engine::Lock& lock) {
  while (!spent_.empty()) {
    if (spent_.size() == 1) {
      const Payload last = take_spent();
      lock.unlock();
    } else {
      // A few at a time, so that the list keeps its memory whoever else drops some meanwhile.
      std::array<Payload, 4> some;
      const std::size_t count = std::min(some.size(), spent_.size());
      std::move(spent_.end() - static_cast<std::ptrdiff_t>(count), spent_.end(), some.begin());
      spent_.resize(spent_.size() - count);
      lock.unlock();
    }  // what releases them is the application's
    lock.lock();
  }
}

Payload NodeCore::take_spent() {
  if (spent_.empty()) return {};
  Payload payload = std::move(spent_.back());
  spent_.pop_back();
  return payload;
}

template <class Code>
void NodeCore::run_user_code(engine::Lock& lock, Code code) {
  ++turns_on_stack_;
  hold_watch_.note_user_code();
  lock.unlock();
  {
    const TurnScope scope(*this);
    code();
  }
  lock.lock();
  --turns_on_stack_;
}

std::size_t NodeCore::run_work(engine::Lock& lock) {
  work_is_ours_ = false;
  std::size_t ran = 0;
  Payload spent = take_spent();  // most often the only one, and the lock is let go of anyway
  run_user_code(lock, [&] {
    spent = {};
    // What these lead to runs in the next turn.
    for (std::size_t left = work_.items.size(); left > 0 && !work_.items.empty(); --left) {
      if (is_turn_abandoned_.load(std::memory_order_relaxed)) break;
      run_next(ran == 0 ? Place::first : Place::later);
      ++ran;
    }
  });
  work_is_ours_ = true;
  send_answers();
  return ran;
}

void NodeCore::run_next(Place place) {
  LeaderWork::Item& item = work_.items.front();
  if (std::holds_alternative<std::shared_ptr<dispatch::Train>>(item)) return run_train();
  const auto taken = work_.items.take(item);
  if (auto* message = std::get_if<dispatch::Message>(&item)) {
    TimePoint start{0};  // the clock is read only for those that have a deadline
    if (message->deadline) {
      // Those before it may have taken long.
      start = place == Place::first ? engine_.recent_time() : now();
    }
    const InlineScope scope(inline_now_, message->entry);
    dispatcher_.run(*message, start);
    work_.items.end(taken);
  } else if (auto* ended = std::get_if<Completion>(&item)) {
    const Completion completion = std::move(*ended);
    work_.items.end(taken);
    completion.call->deliver();
  } else if (auto* plain = std::get_if<PlainCallPtr>(&item)) {
    const PlainCallPtr call = std::move(*plain);
    work_.items.end(taken);
    call->deliver();
  } else {
    Action action = std::move(std::get<Action>(item));
    work_.items.end(taken);
    run(action);
  }
}

void NodeCore::run_train() {
  // A handler that waits has turns below it, which run the rest of what is queued.
  const auto train = std::get<std::shared_ptr<dispatch::Train>>(work_.items.front());
  while (!train->empty()) {
    if (is_turn_abandoned_.load(std::memory_order_relaxed)) return;
    const dispatch::TrainMessage& message = train->take();
    if (train->empty()) work_.items.pop();
    const InlineScope scope(inline_now_, message.entry);
    dispatcher_.run(train->connection(), message);
  }
}

void NodeCore::run(Action& action) {
  try {
    action();
  } catch (const std::exception& e) {
    log(LogLevel::error, std::string("a function passed to Node::after threw: ") + e.what());
  } catch (...) {
    log(LogLevel::error, "a function passed to Node::after threw an exception of unknown type");
  }
}

bool NodeCore::has_work() const {
  const bool has_output = outputs_.size() != gathering_;
  return has_output || !deferred_.empty() || !work_.empty() || !loopback_.empty() ||
         !spent_.empty() || !backlog_.empty();
}

bool NodeCore::must_be_led() const {
  return serves_ || calls_.has_unattended() || detached_connects_ != 0 || !one_shots_.empty() ||
         !held_.empty() || has_work() || dispatcher_.running() != 0;
}

void NodeCore::defer(Action action) {
  deferred_.add(std::move(action));
  engine_.wake();
}

void NodeCore::complete_soon(std::shared_ptr<detail::CallState> call) {
  if (work_is_ours_) {
    work_.items.push(Completion{std::move(call)});
  } else {
    defer([ending = std::move(call)] { ending->deliver(); });
  }
}

void NodeCore::complete_soon(PlainCallPtr call) {
  if (work_is_ours_) {
    work_.items.push(std::move(call));
  } else {
    defer([ending = std::move(call)] { ending->deliver(); });
  }
}

void NodeCore::on_admitted(peers::BlockedSend& send, Result<wire::CallId> admitted) {
  send.admitted = std::move(admitted);
  leadership_.finish(send);
}

bool NodeCore::has_loopback_room(peers::Connection& from, std::size_t bytes) {
  return loopback_.has_room(from, bytes);
}

void NodeCore::on_loopback(peers::Connection& to, Payload packet) {
  loopback_.push(to, std::move(packet));
  engine_.wake();
  leadership_.ensure_led();
}

// ---- Answers ----

void NodeCore::answer_in_turn(dispatch::Answer&& answer) {
  work_.answers.push_back(std::move(answer));
}

void NodeCore::reply_in_turn(peers::Connection& connection, wire::CallId call, Encoded&& reply) {
  work_.answers.emplace_back(&connection, call, std::move(reply));
}

void NodeCore::answer(dispatch::Answer answer) {
  engine::Lock lock(engine_.mutex());
  if (answer.is_outcome()) answer.connection->remove_running(answer.call);
  give(answer);
  // On the leading thread, all answers of a turn leave together at its end.
  if (TurnScope::is_in_turn_of(*this)) return;
  flush_outputs();
  check_awaited();
  drop_spent(lock);
}

void NodeCore::give(dispatch::Answer& answer) {
  peers::Connection& connection = *answer.connection;
  if (auto* reply = std::get_if<Encoded>(&answer.what)) {
    connection.send_reply(answer.call, std::move(*reply));
  } else if (const auto* error = std::get_if<Error>(&answer.what)) {
    connection.send_nack(answer.call, *error);
  } else if (std::holds_alternative<dispatch::Acknowledged>(answer.what)) {
    connection.send_ack(answer.call);
  } else if (std::holds_alternative<dispatch::Forgotten>(answer.what)) {
    connection.send_window();
  } else if (std::holds_alternative<dispatch::Started>(answer.what)) {
    connection.send_accepted({.call = answer.call});
  } else if (const auto* receipt = std::get_if<dispatch::Receipt>(&answer.what)) {
    const Handler& handler = receipt->entry->handler;
    connection.send_accepted({.call = answer.call,
                              .kind = handler.kind,
                              .request_type = handler.request_type,
                              .response_type = handler.response_type});
  } else if (auto kept = std::get<dispatch::Kept>(answer.what).message.lock()) {
    if (!kept->has_ended()) {
      connection.add_running(answer.call, kept);
    } else {
      // Perhaps by now the last to hold it: not to be destroyed under the lock.
      buried_.push_back(std::move(kept));
    }
  }
}

void NodeCore::send_answers() {
  for (dispatch::Answer& answer : work_.answers) give(answer);
  work_.answers.clear();
}

void NodeCore::log_handler_error(std::string_view handler, const Error& error) {
  log_.add_repeated("failure of " + std::string(handler), LogLevel::warning,
                    "handler '" + std::string(handler) +
                        "' failed and nobody waits for it: " + log::printable(error.text));
}

// ---- Connections ----

wire::Hello NodeCore::own_hello(std::uint32_t number) const {
  wire::Hello hello;
  hello.instance = instance_;
  hello.incarnation = incarnation_;
  hello.connection = number;
  hello.host = platform::host_identity();
  hello.window = static_cast<std::uint32_t>(
      std::min<std::size_t>(options_.requests_max, std::numeric_limits<std::uint32_t>::max()));
  hello.frame_bytes_max = static_cast<std::uint32_t>(
      std::min<std::size_t>(options_.message_bytes_max, std::numeric_limits<std::uint32_t>::max()));
  return hello;
}

engine::LinkEvents& NodeCore::on_accepted(engine::Transport& transport, tt_conn* conn) {
  auto connection = new_connection(peers::Opener::peer, ++connections_made_);
  connection->attach(transport, conn);
  serves_ = true;
  strangers_.add(*connection);
  make_room_for_strangers();
  // Before it is greeted: the other side knows then that nothing of it was taken.
  if (closed_) connection->abort(Error(Errc::shut_down, "this node was closed"));
  return *connection;
}

void NodeCore::make_room_for_strangers() {
  peers::Connection* const surplus = strangers_.take_surplus();
  if (surplus == nullptr) return;
  ++strangers_closed_;
  const Error why(Errc::handshake_failed,
                  "more than " + std::to_string(strangers_.count_max()) +
                      " connections have said no hello (unauthenticated_peers_max), and this was "
                      "silent for longest");
  log_.add_repeated("stranger closed", LogLevel::warning,
                    "connection " + std::to_string(surplus->number()) + " was closed: " + why.text);
  surplus->abort(why);
}

Result<peers::Admission> NodeCore::on_hello(peers::Connection& connection,
                                            const peers::PeerFacts& peer) {
  // It came when all others were told to close; nobody would tell it. Nothing of it was taken.
  if (closed_) return Error(Errc::shut_down, "the peer has shut down");
  if (peer.instance == instance_ && peer.incarnation == incarnation_) {
    // Whoever asked for this connection gets the loopback instead.
    finish_dial(connection, peers_.find(instance_));
  }
  // Whoever is refused in any case bothers nobody else.
  if (auto fits = peers_.check(connection, peer); fits.has_error()) {
    if (fits.error().is(Errc::stale_incarnation)) ++stale_refused_;
    return std::move(fits).error();
  }
  const auto known = peers_.find(peer.instance);
  if (!contests_.admits(connection, peer, known.get())) return peers::Admission::later;
  auto admitted = peers_.admit(connection, peer, shared_from_this());
  if (admitted.has_error()) return std::move(admitted).error();
  return peers::Admission::now;
}

void NodeCore::on_open(peers::Connection& connection) {
  heartbeat_.watch(connection);
  hold_watch_.look_soon();
  strangers_.remove(connection);
  peers_.settle_duplicates(*connection.link);
  finish_dial(connection, connection.link);
  redials_.on_open(connection);
  peer_events_->on_open(connection);
  connection.link->last_failure.reset();
  // One that comes up meanwhile has to hear it, too.
  if (closing_) say_goodbye(connection);
}

void NodeCore::on_request(peers::Connection& connection, wire::Request& request,
                          peers::HandlerName& handler, engine::PacketSource& source) {
  dispatcher_.on_request(connection, request, handler, source);
}

void NodeCore::on_train(std::shared_ptr<dispatch::Train> train) {
  dispatcher_.count(*train);
  work_.items.push(std::move(train));
}

void NodeCore::on_cancel(std::shared_ptr<dispatch::KeptMessage> message) {
  dispatcher_.cancel(std::move(message));
}

void NodeCore::on_caller_lost(std::shared_ptr<dispatch::KeptMessage> message) {
  dispatcher_.stop(std::move(message));
}

void NodeCore::on_rejected(peers::Connection&, const wire::Rejected& rejected) {
  dispatcher_.count_rejected(rejected.code);
}

void NodeCore::on_protocol_error(peers::Connection& connection, const Error& error) {
  ++protocol_errors_;
  // Strangers are many and may be anybody; what they say shall not hide what a known peer does.
  log_.add_repeated(connection.is_stranger() ? "protocol, strangers" : "protocol, peers",
                    LogLevel::warning,
                    "connection " + std::to_string(connection.number()) +
                        " ended, the peer broke the protocol: " + log::printable(error.text));
}

void NodeCore::on_damage(peers::Connection& connection, const Error& error) {
  ++packets_damaged_;
  log_.add_repeated(connection.is_stranger() ? "damage, strangers" : "damage, peers",
                    LogLevel::warning,
                    "connection " + std::to_string(connection.number()) + " ended: " + error.text);
}

void NodeCore::on_refused(peers::Connection& connection, const Error& why) {
  finish_dial(connection, why);
}

void NodeCore::on_messages_lost(peers::Connection& connection, const Error& why,
                                const peers::Losses& lost) {
  lost_messages_.add(why, lost.unsent, lost.in_doubt);
  log(LogLevel::warning, "of the messages to " +
                             (connection.dialled_uri.empty() ? to_string(connection.peer().instance)
                                                             : connection.dialled_uri) +
                             " that nobody waits for, " + std::to_string(lost.unsent) +
                             " were not sent and " + std::to_string(lost.in_doubt) +
                             " may not have run: " + log::printable(why.text));
  tell_lost(connection, why, lost);
}

void NodeCore::tell_lost(const peers::Connection& connection, const Error& why,
                         const peers::Losses& lost) {
  if (!options_.on_send_failed) return;
  InstanceId peer = connection.peer().instance;
  if (peer.is_nil() && connection.link != nullptr) peer = connection.link->instance;
  const std::size_t left = lost.notes.size() - std::min(lost.unsent, lost.notes.size());
  for (std::size_t i = 0; i < lost.notes.size(); ++i) {
    Error reason = why;
    reason.ran = i < left ? Ran::maybe : Ran::no;
    const peers::MessageNote& note = lost.notes[i];
    defer([this, message = LostMessage{peer, note.handler, note.payload_bytes, std::move(reason)}] {
      tell_lost(message);
    });
  }
}

void NodeCore::tell_lost(const LostMessage& message) {
  try {
    options_.on_send_failed(message);
  } catch (const std::exception& e) {
    log(LogLevel::error, std::string("NodeOptions::on_send_failed threw: ") + e.what());
  } catch (...) {
    log(LogLevel::error, "NodeOptions::on_send_failed threw an exception of unknown type");
  }
}

void NodeCore::on_closed(peers::Connection& connection, const Error& why) {
  heartbeat_.forget(connection);
  finish_dial(connection, why);
  peer_events_->on_closed(connection, why);
  if (connection.link != nullptr) connection.link->last_failure = why;
  strangers_.remove(connection);
  peers_.remove(connection);
  const auto known = connections_.find(&connection);
  if (known == connections_.end()) return;
  buried_.push_back(std::move(known->second));
  connections_.erase(known);
}

Result<void> NodeCore::remove_handler(std::string_view name) {
  auto removed = handlers_.remove(name);
  if (removed.has_error()) return std::move(removed).error();
  // Messages of inline handlers name their entry without owning it, and whatever found it for them
  // may be gone. Of what its function holds, nothing may go under the lock.
  const std::lock_guard lock(engine_.mutex());
  if (!undriven_ && !may_drop_buried()) buried_.push_back(std::move(*removed));
  return {};
}

std::vector<std::shared_ptr<void>> NodeCore::take_buried() {
  for (const auto& spent : buried_) {
    std::erase(outputs_, spent.get());
    gathering_ = 0;  // the next turn counts again
    std::erase(held_, spent.get());
  }
  return std::exchange(buried_, {});
}

void NodeCore::on_transport_failed(engine::Transport& transport) {
  const auto all = connections_;
  for (const auto& entry : all) {
    if (entry.second->transport() != &transport) continue;
    entry.second->on_closed(TT_E_FAILED, "transport '" + transport.scheme() + "' failed");
  }
}

}  // namespace trestle
