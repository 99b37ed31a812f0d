// What the other ends can reach of a transport: its queue of events and what feeds it.
#pragma once

#include <trestle/sdk/host.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "packet.hpp"

namespace trestle::inproc {

class Listener;

/// One end of a connection, as a value to compare.
struct LinkEnd {
  const Link* link = nullptr;
  Side side = Side::connector;

  bool operator==(const LinkEnd&) const = default;
};

/// An event that waits for progress(). Everything that it refers to lives as long as it does.
struct QueuedEvent {
  std::uint16_t kind = 0;
  Side side = Side::connector;  ///< the end of `link` that it is for
  tt_status status = TT_OK;
  std::uint64_t op = 0;
  std::shared_ptr<Link> link;
  std::shared_ptr<Listener> listener;  ///< of ACCEPTED and UNLISTENED
  std::unique_ptr<Packet> packet;

  LinkEnd end() const { return {link.get(), side}; }
  bool is_packet_for(LinkEnd receiver) const { return kind == TT_EV_PACKET && end() == receiver; }
};

/// Threads: any, unless said otherwise. Its lock is the innermost one: a link's may be held when
/// it is taken, nothing is taken under it.
class Mailbox {
 public:
  struct Limits {
    std::uint64_t packet_bytes_max;
    std::uint64_t queue_bytes_max;
  };
  using ConnectionKey = std::uint64_t;  ///< counts up: shutdown closes in order of creation

  Mailbox(sdk::Host host, Limits limits) : host_(host), limits_(limits) {}

  const Limits& limits() const { return limits_; }

  void push(QueuedEvent event);

  /// Takes a connection in; it counts as open until its CLOSED event is pushed. Returns 0, which
  /// is no key, when the transport shuts down or `listener` (if any) has stopped.
  ConnectionKey admit(std::shared_ptr<Link> link, Side side, const Listener* listener);
  void forget(ConnectionKey key);

  void add_listener(std::shared_ptr<Listener> listener);
  /// Stops admission through `listener`; false if it was stopped before.
  bool stop(Listener& listener);

  /// Packets for one end that the host has not seen yet, taken out of the queue.
  std::vector<std::unique_ptr<Packet>> withdraw(LinkEnd receiver);
  /// Copies the lent ones among them, and returns their ops. Those for which there is no memory
  /// stay lent.
  std::vector<std::uint64_t> take_over_lent(LinkEnd receiver);

  /// The next event; false if there is none, or if it is for an end in `barriers`.
  /// Threads: the leader.
  bool pop(QueuedEvent& out, const std::vector<LinkEnd>& barriers);

  /// The host let go of a packet that it held.
  void release_one();
  /// False if there are events; otherwise the next one calls wake(). Threads: the leader.
  bool arm();
  bool can_destroy() const;

  struct Connected {
    std::shared_ptr<Link> link;
    Side side;
  };
  /// Refuses newcomers and says what has to be closed; `drained` follows when that is under way.
  std::vector<Connected> begin_shutdown(std::vector<std::shared_ptr<Listener>>& listeners);
  void finish_shutdown();

 private:
  enum class Phase { running, closing, draining, down };

  void push_locked(QueuedEvent event);
  void go_down_when_drained();

  const sdk::Host host_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::deque<QueuedEvent> events_;
  std::map<ConnectionKey, Connected> connections_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  ConnectionKey last_key_ = 0;
  std::size_t open_connections_ = 0;
  std::size_t held_packets_ = 0;
  Phase phase_ = Phase::running;
  bool armed_ = false;
  bool down_seen_ = false;
};

}  // namespace trestle::inproc
