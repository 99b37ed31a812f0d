// A connection inside the process: two ends, each feeding the other's mailbox.
#pragma once

#include <trestle/sdk/transport.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mailbox.hpp"

namespace trestle::inproc {

inline constexpr std::uint32_t segments_max = 64;

/// Counted for each packet on top of its bytes, so that the limit also bounds empty packets.
inline constexpr std::uint64_t packet_overhead_bytes = 64;

/// What tt_conn is: one end of a link.
struct Connection {
  Link* link = nullptr;
  Side side = Side::connector;
};

/// Has no lock of its own. What is on its way to an end is guarded by the lock of that end's
/// mailbox; what ends a connection happens under the locks of both.
/// Threads: any, unless said otherwise.
/// Lifetime: shared by both mailboxes until each host has freed its end, which it does only after
/// CLOSED. So whoever works on an event of an end that comes before CLOSED needs no reference.
class Link : public std::enable_shared_from_this<Link> {
 public:
  explicit Link(std::string uri) : uri_(std::move(uri)) {}

  /// Connects `mailbox` to whoever listens; null `listener` ends in CLOSED(TT_E_REFUSED).
  /// Returns null if `mailbox` shuts down.
  Connection* connect(const std::shared_ptr<Mailbox>& mailbox, void* user,
                      const std::shared_ptr<Listener>& listener);

  tt_status send(Side from, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op);
  void close(Side side, sdk::CloseMode mode);
  void set_user(Side side, void* user);
  /// The host of `side` lets its end go.
  void free(Side side);

  /// The receiver has let go of a packet that was lent.
  void lent_packet_returned(Side sender, std::uint64_t op);

  /// Turns a record into what the host sees; false if it gets to see nothing of it. `lock` is that
  /// of the receiver's mailbox, taken if need be.
  /// Threads: the leader of the receiver.
  bool deliver(const Record& record, tt_event& event, Mailbox::Lock& lock);

  /// Whether WRITABLE is due; if so, it is not owed any more.
  /// Threads: the leader of the receiver, under its lock.
  bool has_room(Side sender);
  void post_writable(Side sender);

  /// The address that was connected to.
  const std::string& uri() const { return uri_; }

 private:
  /// The packets from one end to the other. Threads: under the receiver's lock.
  struct Outgoing {
    std::uint64_t sent_bytes = 0;
    std::uint64_t lent_packets = 0;               ///< ever; stays as it is once this end is closing
    std::optional<std::uint64_t> writable_below;  ///< owes WRITABLE at this many queued bytes
    Packet* first_lent = nullptr;  ///< those that the receiver has not seen, by next_lent
    Packet* last_lent = nullptr;
  };

  /// Aligned so that what the threads of its own side write is not on a line of the other side's.
  struct alignas(cache_line_bytes) End {
    // Set once, in connect().
    Connection handle;
    std::shared_ptr<Mailbox> mailbox;  ///< null: nobody listened
    Mailbox::ConnectionKey key = 0;
    // Read on each send or delivery, changed seldom.
    std::atomic<void*> user{nullptr};
    std::atomic<bool> up{false};        ///< ACCEPTED or CONNECTED was delivered
    std::atomic<bool> dropping{false};  ///< what was not delivered to here never will be
    // Changed under the locks of both ends: either is enough for reading.
    bool closing = false;  ///< sends are refused; CLOSED follows when no packet is lent any more
    tt_status why = TT_OK;
    std::string why_text;
    // Under the lock of this end's mailbox.
    bool closed = false;                 ///< CLOSED is queued or delivered
    std::uint64_t returned_packets = 0;  ///< of Outgoing::lent_packets
    // Written by the leader alone.
    alignas(cache_line_bytes) std::atomic<std::uint64_t> taken_bytes{0};  ///< of the other's
    alignas(cache_line_bytes) Outgoing out;
  };

  struct BothLocks {
    Mailbox::Lock connector, acceptor;
  };

  End& end(Side side) { return ends_[static_cast<std::size_t>(side)]; }
  BothLocks lock_both();
  void attach(Side side, const std::shared_ptr<Mailbox>& mailbox, void* user);
  void post(Side to, std::uint16_t kind, tt_status status = TT_OK, std::uint64_t op = 0);
  /// Whether a packet may go out now; what it answers if not is refusal_of().
  bool may_send(Side from, std::uint64_t bytes) noexcept {
    const End& mine = end(from);
    // Relaxed: whoever may send has been told so by his host, after the event.
    if (mine.closing || !mine.up.load(std::memory_order_relaxed)) return false;
    const std::uint64_t queued = queued_bytes(from);
    return queued == 0 ||
           queued + bytes + packet_overhead_bytes <= mine.mailbox->limits().queue_bytes_max;
  }
  [[gnu::cold]] tt_status refusal_of(Side from, std::uint64_t bytes);
  tt_status send_lent(Side from, std::span<const tt_iov> segments, std::uint64_t bytes,
                      std::uint64_t op);
  tt_status send_copied(Side from, std::span<const tt_iov> segments, std::uint64_t bytes);
  /// Under the receiver's lock.
  void post_large(Side from, Record& event, Packet& packet);
  [[gnu::cold]] tt_status refuse_too_big(Side from, std::uint64_t bytes);
  bool deliver_packet(const Record& record, tt_event& event, Mailbox::Lock& lock);
  static void count_taken(End& mine, std::uint64_t bytes);
  std::uint64_t queued_bytes(Side from) noexcept {
    // Relaxed: an old value only makes a sender wait for a WRITABLE that is due at once.
    return end(from).out.sent_bytes - end(other(from)).taken_bytes.load(std::memory_order_relaxed);
  }
  void end_with(Side side, tt_status why, std::string text);
  void close_when_settled(Side side);
  void return_lent(Side sender, std::uint64_t op, tt_status status);
  void take_over_packets(Side from);
  void drop_packets(Side from);

  const std::string uri_;
  std::array<End, 2> ends_;
};

}  // namespace trestle::inproc
