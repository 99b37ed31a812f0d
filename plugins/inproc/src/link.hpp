// A connection inside the process: two ends, each feeding the other's mailbox.
#pragma once

#include <trestle/sdk/transport.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "mailbox.hpp"

namespace trestle::inproc {

inline constexpr std::uint32_t segments_max = 64;

/// What tt_conn is: one end of a link.
struct Connection {
  Link* link = nullptr;
  Side side = Side::connector;
};

/// Threads: any. One lock for both ends; a mailbox's lock is taken under it, never the reverse.
/// Lifetime: shared by both mailboxes until each host has freed its end.
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

  /// Turns a queued event into what the host sees, and accounts for its delivery.
  void deliver(QueuedEvent& queued, tt_event& event);

  /// The receiver has let go of a packet that `sender` lent.
  void lent_packet_returned(Side sender, std::uint64_t op);

  /// The address that was connected to.
  const std::string& uri() const { return uri_; }

 private:
  struct End {
    Connection handle;
    std::shared_ptr<Mailbox> mailbox;
    Mailbox::ConnectionKey key = 0;
    void* user = nullptr;
    bool up = false;       ///< ACCEPTED or CONNECTED was delivered
    bool closing = false;  ///< sends are refused; CLOSED follows when no packet is lent any more
    bool closed = false;   ///< CLOSED is queued or delivered
    std::uint64_t queued_bytes = 0;               ///< sent from here and not yet delivered
    std::optional<std::uint64_t> writable_below;  ///< owes WRITABLE at this many queued bytes
    std::size_t lent_packets = 0;
    tt_status why = TT_OK;
    std::string why_text;
  };

  End& end(Side side) { return ends_[static_cast<std::size_t>(side)]; }
  void attach(Side side, const std::shared_ptr<Mailbox>& mailbox, Mailbox::ConnectionKey key,
              void* user);
  void push(Side to, std::uint16_t kind, tt_status status = TT_OK, std::uint64_t op = 0);
  tt_status reserve(Side from, std::uint64_t bytes);
  void push_packet(Side from, std::unique_ptr<Packet> packet);
  void end_with(Side side, tt_status why, std::string text);
  void close_when_settled(Side side);
  void return_lent(Side sender, std::uint64_t op, tt_status status);
  void take_over_packets(Side from);
  void drop_packets(Side from);
  void account_delivery(Side from, std::uint64_t bytes);

  const std::string uri_;
  std::mutex mutex_;
  std::array<End, 2> ends_;
};

}  // namespace trestle::inproc
