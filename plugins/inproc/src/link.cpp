// The life of a connection inside the process: connect, send, deliver, close.
#include "link.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "listener.hpp"

namespace trestle::inproc {
namespace {

// Counted for each packet on top of its bytes, so that the limit also bounds empty packets.
constexpr std::uint64_t packet_overhead_bytes = 64;

std::string in_quotes(const std::string& text) {
  return '"' + text + '"';
}

}  // namespace

void Link::attach(Side side, const std::shared_ptr<Mailbox>& mailbox, Mailbox::ConnectionKey key,
                  void* user) {
  End& mine = end(side);
  mine.handle = {this, side};
  mine.mailbox = mailbox;
  mine.key = key;
  mine.user = user;
}

void Link::push(Side to, std::uint16_t kind, tt_status status, std::uint64_t op) {
  QueuedEvent event;
  event.kind = kind;
  event.side = to;
  event.status = status;
  event.op = op;
  event.link = shared_from_this();
  end(to).mailbox->push(std::move(event));
}

Connection* Link::connect(const std::shared_ptr<Mailbox>& mailbox, void* user,
                          const std::shared_ptr<Listener>& listener) {
  // Held throughout, so that nobody sees the accepting end before the connecting one is whole.
  const std::lock_guard lock(mutex_);
  const auto key = mailbox->admit(shared_from_this(), Side::connector, nullptr);
  if (key == 0) return nullptr;
  attach(Side::connector, mailbox, key, user);
  const auto accepted_key =
      listener == nullptr
          ? 0
          : listener->mailbox->admit(shared_from_this(), Side::acceptor, listener.get());
  if (accepted_key == 0) {
    end_with(Side::connector, TT_E_REFUSED,
             "connecting to " + in_quotes(uri_) + ": nobody listens there in this process");
    return &end(Side::connector).handle;
  }
  attach(Side::acceptor, listener->mailbox, accepted_key, nullptr);
  QueuedEvent accepted;
  accepted.kind = TT_EV_ACCEPTED;
  accepted.side = Side::acceptor;
  accepted.link = shared_from_this();
  accepted.listener = listener;
  listener->mailbox->push(std::move(accepted));
  push(Side::connector, TT_EV_CONNECTED);
  return &end(Side::connector).handle;
}

tt_status Link::send(Side from, std::span<const tt_iov> segments, std::uint32_t flags,
                     std::uint64_t op) {
  if (segments.size() > segments_max) return TT_E_INVALID;
  std::uint64_t bytes = 0;
  for (const tt_iov& segment : segments) bytes += segment.len;
  {
    const std::lock_guard lock(mutex_);
    if (const tt_status status = reserve(from, bytes); status != TT_OK) return status;
  }
  // Copied without the lock, so that a large packet does not stop the receiver meanwhile.
  const bool lends = bytes > copy_bytes_max && (flags & TT_SEND_COPY) == 0;
  std::unique_ptr<Packet> packet;
  try {
    packet = lends ? Packet::lend(segments, bytes, op) : Packet::copy_of(segments, bytes);
  } catch (const std::bad_alloc&) {
    const std::lock_guard lock(mutex_);
    account_delivery(from, bytes);
    return TT_E_NOMEM;
  }
  const std::lock_guard lock(mutex_);
  if (end(from).closing) return TT_E_CLOSED;
  push_packet(from, std::move(packet));
  return lends ? TT_PENDING : TT_OK;
}

tt_status Link::reserve(Side from, std::uint64_t bytes) {
  End& mine = end(from);
  if (mine.closing) return TT_E_CLOSED;
  if (!mine.up) return TT_E_INVALID;
  const auto bytes_max = end(other(from)).mailbox->limits().packet_bytes_max;
  if (bytes > bytes_max) {
    const std::string text = "connection " + in_quotes(uri_) + ": a packet of " +
                             std::to_string(bytes) + " bytes is above the receiver's limit of " +
                             std::to_string(bytes_max);
    take_over_packets(Side::connector);
    take_over_packets(Side::acceptor);
    end_with(Side::connector, TT_E_TOOBIG, text);
    end_with(Side::acceptor, TT_E_TOOBIG, text);
    return TT_E_TOOBIG;
  }
  const std::uint64_t cost = bytes + packet_overhead_bytes;
  const std::uint64_t limit = mine.mailbox->limits().queue_bytes_max;
  if (mine.queued_bytes != 0 && mine.queued_bytes + cost > limit) {
    // Half the limit, not the first gap: a sender is woken for a run of packets, not for one.
    const std::uint64_t fits = cost > limit ? 0 : std::min(limit / 2, limit - cost);
    mine.writable_below = std::min(fits, mine.writable_below.value_or(fits));
    return TT_E_AGAIN;
  }
  mine.queued_bytes += cost;
  return TT_OK;
}

void Link::push_packet(Side from, std::unique_ptr<Packet> packet) {
  if (packet->is_lent()) ++end(from).lent_packets;
  QueuedEvent event;
  event.kind = TT_EV_PACKET;
  event.side = other(from);
  event.link = shared_from_this();
  event.packet = std::move(packet);
  end(event.side).mailbox->push(std::move(event));
}

void Link::close(Side side, sdk::CloseMode mode) {
  const std::lock_guard lock(mutex_);
  if (end(side).closing) return;
  const bool aborts = mode == sdk::CloseMode::abort;
  for (const Side from : {Side::connector, Side::acceptor}) {
    aborts ? drop_packets(from) : take_over_packets(from);
  }
  end_with(side, TT_E_CLOSED, "closed by this side");
  if (aborts) {
    end_with(other(side), TT_E_RESET, "aborted by the other side");
  } else {
    end_with(other(side), TT_E_CLOSED, "closed by the other side");
  }
}

void Link::end_with(Side side, tt_status why, std::string text) {
  End& mine = end(side);
  if (mine.closing) return;
  mine.closing = true;
  mine.why = why;
  mine.why_text = std::move(text);
  mine.writable_below.reset();
  close_when_settled(side);
}

// What the receiver holds of lent packets cannot be taken from it: SENT, and then CLOSED, wait.
void Link::close_when_settled(Side side) {
  End& mine = end(side);
  if (!mine.closing || mine.closed || mine.lent_packets != 0) return;
  mine.closed = true;
  push(side, TT_EV_CLOSED, mine.why);
}

void Link::return_lent(Side sender, std::uint64_t op, tt_status status) {
  --end(sender).lent_packets;
  push(sender, TT_EV_SENT, status, op);
  close_when_settled(sender);
}

void Link::lent_packet_returned(Side sender, std::uint64_t op) {
  const std::lock_guard lock(mutex_);
  return_lent(sender, op, TT_OK);
}

// An orderly close delivers what was sent without waiting for the receiver to run.
void Link::take_over_packets(Side from) {
  const LinkEnd receiver{this, other(from)};
  for (const std::uint64_t op : end(receiver.side).mailbox->take_over_lent(receiver)) {
    return_lent(from, op, TT_OK);
  }
}

void Link::drop_packets(Side from) {
  const LinkEnd receiver{this, other(from)};
  for (const auto& packet : end(receiver.side).mailbox->withdraw(receiver)) {
    if (packet->is_lent()) return_lent(from, packet->op(), TT_E_CLOSED);
  }
}

void Link::account_delivery(Side from, std::uint64_t bytes) {
  End& mine = end(from);
  mine.queued_bytes -= bytes + packet_overhead_bytes;
  if (!mine.writable_below || mine.queued_bytes > *mine.writable_below) return;
  mine.writable_below.reset();
  push(from, TT_EV_WRITABLE);
}

void Link::deliver(QueuedEvent& queued, tt_event& event) {
  const std::lock_guard lock(mutex_);
  End& mine = end(queued.side);
  event.user = mine.user;
  event.conn = reinterpret_cast<tt_conn*>(&mine.handle);
  switch (queued.kind) {
    case TT_EV_ACCEPTED:
      event.user = nullptr;
      event.aux = reinterpret_cast<std::uintptr_t>(queued.listener->user);
      mine.up = true;
      break;
    case TT_EV_CONNECTED:
      mine.up = true;
      break;
    case TT_EV_PACKET:
      queued.packet->describe(event);
      if (queued.packet->is_lent()) {
        queued.packet->set_lender(queued.link, other(queued.side));
      }
      account_delivery(other(queued.side), queued.packet->size());
      break;
    case TT_EV_CLOSED:
      event.data = mine.why_text.c_str();
      event.len = mine.why_text.size();
      break;
    default:
      break;
  }
}

void Link::set_user(Side side, void* user) {
  const std::lock_guard lock(mutex_);
  end(side).user = user;
}

void Link::free(Side side) {
  const auto self = shared_from_this();  // forget() may drop the last other reference
  std::shared_ptr<Mailbox> mailbox;
  Mailbox::ConnectionKey key = 0;
  {
    const std::lock_guard lock(mutex_);
    mailbox = std::move(end(side).mailbox);
    key = end(side).key;
  }
  mailbox->forget(key);
}

}  // namespace trestle::inproc
