// Messages to and from the peers of a ROUTER, and finding out who is gone.
#include <poll.h>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "router.hpp"

namespace trestle::zeromq {
namespace {

using namespace std::chrono_literals;

/// Messages read before others get their turn.
constexpr int messages_per_round = 64;
/// Made-up routing ids begin with a zero; those that peers choose do not.
constexpr std::size_t routing_id_bytes = 1 + sizeof(RoutingId);

/// libzmq tells of a closed descriptor a moment before it gives the way up. So a suspect is probed
/// a few times, ever more rarely, for about a second.
constexpr std::chrono::nanoseconds first_probe_pause = 1ms;
constexpr std::chrono::nanoseconds probe_pause_max = 256ms;
constexpr int probes_max = 12;
/// libzmq's note that a pipe has room again can be taken by a call for another pipe.
constexpr std::chrono::nanoseconds full_pipe_retry = 100ms;

std::optional<RoutingId> routing_id_of(const zmq::message_t& frame) {
  const auto* bytes = static_cast<const unsigned char*>(frame.data());
  if (frame.size() != routing_id_bytes || bytes[0] != 0) return std::nullopt;
  RoutingId id = 0;
  std::memcpy(&id, bytes + 1, sizeof(id));
  return id;
}

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

/// Takes what follows the last ':' off `text`.
std::int64_t pop_number(std::string_view& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return -1;
  std::int64_t number = -1;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), number);
  text = text.substr(0, colon);
  return number;
}

}  // namespace

Link::Sent Router::Peer::send(Parcel& parcel) {
  if (router_ == nullptr) return Sent::gone;
  const Way way = router_->pass_on(id, parcel);
  if (way == Way::full) router_->note_blocked(*this);
  if (way == Way::gone) router_->note_lost(*this);
  router_->shared_.readiness.touch(*router_);
  return way == Way::open ? Sent::yes : way == Way::full ? Sent::full : Sent::gone;
}

void Router::Peer::hang_up(std::optional<Control> last) {
  Router* const router = std::exchange(router_, nullptr);
  if (router == nullptr) return;
  if (last) router->say(id, *last);
  router->remove(*this);
}

/// A touch has to follow, once it is noted who waits.
Router::Way Router::pass_on(RoutingId id, Parcel& parcel) {
  if (!socket_) return Way::gone;
  std::array<unsigned char, routing_id_bytes> to{};
  std::memcpy(to.data() + 1, &id, sizeof(id));
  Way way = Way::open;
  if (zmq_send(socket_.handle(), to.data(), to.size(), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
    way = zmq_errno() == EAGAIN || zmq_errno() == EINTR ? Way::full : Way::gone;
  } else {
    const auto frames = parcel.frames();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
      // Cannot fail for want of room: libzmq takes a message whole or not at all.
      zmq_msg_send(frames[i].handle(), socket_.handle(), ZMQ_DONTWAIT | more);
    }
  }
  return way;
}

void Router::say(RoutingId id, Control word) {
  Parcel parcel({word, 0});
  if (pass_on(id, parcel) == Way::full) {
    farewells_.push_back({id, word});
    set_timer();
  }
  shared_.readiness.touch(*this);
}

bool Router::check_events() {
  if (!socket_) return false;
  // Asking would take note of room for those who wait for it, without saying for whom.
  bool ready = waits_for_room() && is_readable(fd_);
  if (!ready && (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0) {
    note_more();
    ready = true;
  }
  if (ready) shared_.loop.enqueue(*this);
  return ready;
}

/// Returns how many were there.
int Router::read_messages() {
  int messages = 0;
  while (socket_ && shared_.loop.events().room() > 0 && messages < messages_per_round) {
    if (!take_message()) {
      note_drained(messages);
      on_room();
      end_lost();
      return messages;
    }
    ++messages;
    if (socket_ && !expects_more(messages) && !waits_for_more_than_input()) {
      shared_.readiness.stop_early(*this);
      return messages;
    }
  }
  if (socket_) shared_.loop.enqueue(*this);
  return messages;
}

transport_kit::Pollable::Guess Router::guess() {
  if (!socket_ || waits_for_more_than_input()) return Guess::unsure;
  return read_messages() > 0 ? Guess::right : Guess::wrong;
}

bool Router::take_message() {
  zmq::message_t from;
  if (zmq_msg_recv(from.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) return false;
  if (incoming_.read(socket_) == Incoming::Read::nothing) return true;
  const auto id = routing_id_of(from);
  const auto peer = id ? peers_.find(*id) : peers_.end();
  if (peer != peers_.end()) {
    peer->second->connection.take(incoming_);
  } else if (id && incoming_.is_control()) {
    const zmq::message_t& frame = incoming_.frames()[1];
    const auto control =
        decode_control({static_cast<const std::byte*>(frame.data()), frame.size()});
    if (control && control->kind == Control::hello) say_welcome(*id, *control);
  }
  // Everything else is from strangers, or came after an end.
  incoming_.clear();
  return true;
}

void Router::say_welcome(RoutingId id, const ControlMessage& hello) {
  if (phase_ != Phase::listening) return say(id, Control::abort);
  zmq::message_t& frame = incoming_.frames()[1];
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  Connection& connection = accept_(*this);
  auto peer = std::make_unique<Peer>(*this, id, connection, descriptor);
  Peer& added = *peer;
  peers_.emplace(id, &added);
  connection.welcome(std::move(peer), describe(frame), hello.number,
                     reinterpret_cast<std::uintptr_t>(user_));
  if (closed_early_.erase(descriptor) > 0) suspect(added);
}

sdk::ConnectionInfo Router::describe(zmq::message_t& frame) const {
  sdk::ConnectionInfo info;
  info.local_uri = uri_;
  const std::string scheme = uri_.substr(0, uri_.find("://") + 3);
  const char* known = zmq_msg_gets(frame.handle(), "Peer-Address");
  std::string_view address = known == nullptr ? "" : known;
  if (scheme_ == Scheme::ipc) {
    // ":user:group:process", from the kernel.
    info.peer_uri = scheme;
    info.peer_pid = pop_number(address);
    pop_number(address);
    info.peer_uid = pop_number(address);
    return info;
  }
  const bool bracketed = address.find(':') != std::string_view::npos;
  info.peer_uri = scheme + (bracketed ? "[" : "") + std::string(address) + (bracketed ? "]" : "");
  return info;
}

void Router::on_room() {
  for (Peer* peer : std::exchange(blocked_, {})) peer->connection.on_room();
  for (const Farewell& farewell : std::exchange(farewells_, {})) {
    say(farewell.to, farewell.word);
  }
}

void Router::on_descriptor_closed(int descriptor) {
  bool known = false;
  for (const auto& [ignored, peer] : peers_) {
    if (peer->descriptor != descriptor) continue;
    known = true;
    suspect(*peer);
  }
  if (!known) closed_early_.insert(descriptor);
}

void Router::suspect(Peer& peer) {
  suspects_.push_back({&peer, probes_max});
  probe_pause_ = first_probe_pause;
  probe_suspects();
  shared_.loop.enqueue(*this);  // reads what had arrived, then ends who is gone
  set_timer();
}

/// A descriptor's number may be another connection's by now: libzmq knows which way is gone.
void Router::probe_suspects() {
  for (Suspect& suspect : suspects_) {
    Parcel noop({Control::noop, 0});
    --suspect.probes_left;
    if (pass_on(suspect.peer->id, noop) == Way::gone) note_lost(*suspect.peer);
  }
  shared_.readiness.touch(*this);
  std::erase_if(suspects_, [&](const Suspect& suspect) {
    return suspect.probes_left == 0 ||
           std::find(lost_.begin(), lost_.end(), suspect.peer) != lost_.end();
  });
}

void Router::note_blocked(Peer& peer) {
  if (std::find(blocked_.begin(), blocked_.end(), &peer) == blocked_.end()) {
    blocked_.push_back(&peer);
  }
  set_timer();
}

void Router::note_lost(Peer& peer) {
  if (std::find(lost_.begin(), lost_.end(), &peer) != lost_.end()) return;
  lost_.push_back(&peer);
  shared_.loop.enqueue(*this);
  shared_.loop.host().wake();
}

void Router::end_lost() {
  for (Peer* peer : std::vector(lost_)) {
    peer->connection.on_lost(TT_E_RESET, "the other side is gone");
  }
}

void Router::set_timer() {
  if (!socket_) return;
  std::optional<std::chrono::nanoseconds> pause;
  if (waits_for_room()) pause = full_pipe_retry;
  if (!suspects_.empty()) pause = std::min(pause.value_or(probe_pause_), probe_pause_);
  if (pause) shared_.loop.set_deadline(*this, shared_.loop.host().now() + *pause);
}

void Router::on_deadline() {
  probe_pause_ = std::min(2 * probe_pause_, probe_pause_max);
  probe_suspects();
  shared_.loop.enqueue(*this);
  set_timer();
}

}  // namespace trestle::zeromq
