// What the other ends can reach of a transport: its queue of events, and what feeds it.
#pragma once

#include <trestle/sdk/host.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "packet.hpp"
#include "quick_mutex.hpp"
#include "record_queue.hpp"

namespace trestle::inproc {

/// One end of a connection, as a value to compare.
struct LinkEnd {
  Link* link = nullptr;
  Side side = Side::connector;

  bool operator==(const LinkEnd&) const = default;
};

/// Is the one lock of its transport. Whoever adds an event holds it, for a moment and never while
/// something large is copied for a send; the leader reads the queue without it. Two mailboxes are
/// locked together only by Link::lock_both().
///
/// No wake-up is lost: arm() looks at the queue under the lock under which events are added, and
/// leaves `armed_` under it. What was added before, it sees; what is added later finds the flag.
///
/// Threads: any, under the lock or taking it themselves, as the sections say.
class Mailbox {
 public:
  struct Limits {
    std::uint64_t packet_bytes_max;
    std::uint64_t queue_bytes_max;
  };
  using ConnectionKey = std::uint64_t;  ///< counts up: shutdown closes in order of creation
  using Lock = std::unique_lock<Mailbox>;

  Mailbox(sdk::Host host, Limits limits) : host_(host), limits_(limits) {}

  const Limits& limits() const { return limits_; }

  // ---- The lock, for Lock and std::lock ----

  void lock() { mutex_.lock(); }
  bool try_lock() { return mutex_.try_lock(); }
  /// Wakes the host, if it sleeps and there is something for it. Without the lock: the woken thread
  /// may take the processor from this one, and would then find the lock held.
  void unlock() {
    if (wake_is_due_) return unlock_and_wake();
    mutex_.unlock();
  }

  // ---- Under the lock ----

  /// The next event, with room for `size` bytes behind it; post() follows.
  /// Errors: throws std::bad_alloc, and nothing has happened.
  Record& compose(std::size_t size) { return queue_.begin(size); }
  /// Adds the event. The host is woken when the lock is let go.
  void post() {
    queue_.commit();
    if (armed_) wake_is_due_ = true;
    armed_ = false;
  }

  /// Takes a connection in; it counts as open until connection_closed(). Returns 0, which is no
  /// key, when the transport shuts down or `listener` (if any) has stopped.
  ConnectionKey admit(std::shared_ptr<Link> link, Side side, const Listener* listener);
  /// Its CLOSED event was posted.
  void connection_closed();

  /// A packet to fill. Errors: throws std::bad_alloc.
  std::unique_ptr<Packet> take_packet();
  void recycle(std::unique_ptr<Packet> packet);
  /// The host got a packet that release_held() will bring back.
  void packet_held() { ++held_packets_; }

  /// Somebody who sends to here waits for room. Link::has_room() says when there is some.
  void owe_writable(LinkEnd sender);
  void forget_debt(LinkEnd sender);

  /// UNLISTENED was delivered.
  void forget(const Listener& listener);

  // ---- Taking the lock ----

  void forget(ConnectionKey key);
  void add_listener(std::shared_ptr<Listener> listener);
  /// Stops admission through `listener`, unless it was stopped before.
  void stop(Listener& listener);
  /// The host let go of a packet that it held.
  void release_held(std::unique_ptr<Packet> packet);

  struct Connected {
    std::shared_ptr<Link> link;
    Side side;
  };
  /// Refuses newcomers and says what has to be closed; finish_shutdown() follows when that is
  /// under way.
  std::vector<Connected> begin_shutdown(std::vector<std::shared_ptr<Listener>>& listeners);
  void finish_shutdown();
  /// Whether nothing is left but the transport itself, and nobody will call its host again.
  /// Threads: the leader, after DOWN.
  bool is_empty();

  // ---- The leader's ----

  /// For reading.
  RecordQueue& queue() { return queue_; }
  /// Sends WRITABLE to those who wait and now have room.
  void pay_debts() {
    // Relaxed: nothing is read on the strength of it. A debt that is not seen here is seen by the
    // next progress(), or by arm(), which looks under the lock.
    if (owes_.load(std::memory_order_relaxed)) pay_debts_now();
  }
  /// False if there is something to do; otherwise the next event calls wake().
  bool arm();

 private:
  enum class Phase { running, closing, draining, down };

  void unlock_and_wake();
  void keep_spare(std::unique_ptr<Packet> packet);
  void pay_debts_now();
  void go_down_when_drained();

  const sdk::Host host_;
  const Limits limits_;
  RecordQueue queue_;

  // What each send needs, apart from what the leader writes.
  alignas(cache_line_bytes) QuickMutex mutex_;
  bool armed_ = false;        ///< the next event wakes the host
  bool wake_is_due_ = false;  ///< when the lock is let go
  Phase phase_ = Phase::running;
  std::vector<std::unique_ptr<Packet>> spare_packets_;
  std::size_t held_packets_ = 0;
  std::vector<LinkEnd> owed_;  ///< WRITABLE, in this order
  std::map<ConnectionKey, Connected> connections_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  ConnectionKey last_key_ = 0;
  std::size_t open_connections_ = 0;

  std::atomic<bool> waking_{false};  ///< somebody calls wake() without the lock

  // Written seldom, read by each progress().
  alignas(cache_line_bytes) std::atomic<bool> owes_{false};  ///< owed_ is not empty
  // The leader's.
  std::vector<LinkEnd> due_;  ///< kept for its memory
  int arms_refused_ = 0;      ///< in a row, since somebody else had the lock
};

}  // namespace trestle::inproc
