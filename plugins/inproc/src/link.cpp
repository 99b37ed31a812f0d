// The life of a connection inside the process: connect, send, deliver, close.
#include "link.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "listener.hpp"

namespace trestle::inproc {
namespace {

std::string in_quotes(const std::string& text) {
  return '"' + text + '"';
}

}  // namespace

// ---- Coming up ----

Link::BothLocks Link::lock_both() {
  Mailbox* const first = end(Side::connector).mailbox.get();
  Mailbox* const second = end(Side::acceptor).mailbox.get();
  if (second == nullptr || second == first) return {Mailbox::Lock(*first), {}};
  BothLocks locks{{*first, std::defer_lock}, {*second, std::defer_lock}};
  std::lock(locks.connector, locks.acceptor);  // in whatever order does not deadlock
  return locks;
}

void Link::attach(Side side, const std::shared_ptr<Mailbox>& mailbox, void* user) {
  End& mine = end(side);
  mine.handle = {this, side};
  mine.mailbox = mailbox;
  mine.user.store(user, std::memory_order_relaxed);  // nobody else knows this link yet
}

Connection* Link::connect(const std::shared_ptr<Mailbox>& mailbox, void* user,
                          const std::shared_ptr<Listener>& listener) {
  End& connector = end(Side::connector);
  End& acceptor = end(Side::acceptor);
  attach(Side::connector, mailbox, user);
  if (listener != nullptr) attach(Side::acceptor, listener->mailbox, nullptr);
  // Held throughout, so that nobody sees the accepting end before the connecting one is whole.
  const BothLocks locks = lock_both();
  connector.key = mailbox->admit(shared_from_this(), Side::connector, nullptr);
  if (connector.key == 0) return nullptr;
  if (listener != nullptr) {
    acceptor.key = listener->mailbox->admit(shared_from_this(), Side::acceptor, listener.get());
  }
  if (acceptor.key == 0) {
    acceptor.mailbox = nullptr;
    end_with(Side::connector, TT_E_REFUSED,
             "connecting to " + in_quotes(uri_) + ": nobody listens there in this process");
    return &connector.handle;
  }
  Record& accepted = listener->mailbox->compose(0);
  accepted.kind = TT_EV_ACCEPTED;
  accepted.side = Side::acceptor;
  accepted.link = this;
  accepted.listener = listener.get();
  listener->mailbox->post();
  post(Side::connector, TT_EV_CONNECTED);
  return &connector.handle;
}

void Link::set_user(Side side, void* user) {
  // Pairs with the load in deliver(): what the host wrote there before is seen by its leader.
  end(side).user.store(user, std::memory_order_release);
}

void Link::post(Side to, std::uint16_t kind, tt_status status, std::uint64_t op) {
  Mailbox& mailbox = *end(to).mailbox;
  Record& event = mailbox.compose(0);
  event.kind = kind;
  event.side = to;
  event.status = status;
  event.op = op;
  event.link = this;
  mailbox.post();
}

// ---- Sending ----

tt_status Link::send(Side from, std::span<const tt_iov> segments, std::uint32_t flags,
                     std::uint64_t op) {
  if (segments.size() > segments_max) return TT_E_INVALID;
  // Small packets most often are one segment.
  const bool is_whole = segments.size() == 1;
  const std::uint64_t bytes = is_whole ? segments.front().len : size_of(segments);
  Mailbox* const receiver = end(other(from)).mailbox.get();
  if (receiver == nullptr) return TT_E_CLOSED;  // nobody listened
  if (bytes > receiver->limits().packet_bytes_max) return refuse_too_big(from, bytes);
  try {
    if (bytes > copy_bytes_max) {
      return (flags & TT_SEND_COPY) == 0 ? send_lent(from, segments, bytes, op)
                                         : send_copied(from, segments, bytes);
    }
    const std::lock_guard lock(*receiver);
    if (!may_send(from, bytes)) return refusal_of(from, bytes);
    Record& event = receiver->compose(bytes);
    if (is_whole && bytes != 0) {
      std::memcpy(event.bytes(), segments.front().base, bytes);
    } else {
      gather(segments, event.bytes());
    }
    event.kind = TT_EV_PACKET;
    event.side = other(from);
    event.link = this;
    end(from).out.sent_bytes += bytes + packet_overhead_bytes;
    receiver->post();
    return TT_OK;
  } catch (const std::bad_alloc&) {
    return TT_E_NOMEM;
  }
}

tt_status Link::send_lent(Side from, std::span<const tt_iov> segments, std::uint64_t bytes,
                          std::uint64_t op) {
  Mailbox& receiver = *end(other(from)).mailbox;
  const std::lock_guard lock(receiver);
  if (!may_send(from, bytes)) return refusal_of(from, bytes);
  std::unique_ptr<Packet> packet = receiver.take_packet();
  packet->lend(segments, bytes, {this, from, op});
  Record& event = receiver.compose(0);
  Packet* const lent = packet.release();
  Outgoing& out = end(from).out;
  ++out.lent_packets;
  (out.first_lent == nullptr ? out.first_lent : out.last_lent->next_lent) = lent;
  out.last_lent = lent;
  post_large(from, event, *lent);
  return TT_PENDING;
}

tt_status Link::send_copied(Side from, std::span<const tt_iov> segments, std::uint64_t bytes) {
  Mailbox& receiver = *end(other(from)).mailbox;
  Mailbox::Lock lock(receiver);
  if (!may_send(from, bytes)) return refusal_of(from, bytes);
  std::unique_ptr<Packet> packet = receiver.take_packet();
  // Copied without the lock, so that a large packet does not stop other senders meanwhile.
  lock.unlock();
  packet->copy(segments, bytes);
  lock.lock();
  if (!may_send(from, bytes)) return refusal_of(from, bytes);
  Record& event = receiver.compose(0);
  post_large(from, event, *packet.release());
  return TT_OK;
}

void Link::post_large(Side from, Record& event, Packet& packet) {
  event.kind = TT_EV_PACKET;
  event.side = other(from);
  event.link = this;
  event.packet = &packet;
  end(from).out.sent_bytes += packet.size() + packet_overhead_bytes;
  end(other(from)).mailbox->post();
}

tt_status Link::refusal_of(Side from, std::uint64_t bytes) {
  End& mine = end(from);
  if (mine.closing) return TT_E_CLOSED;
  if (!mine.up.load(std::memory_order_relaxed)) return TT_E_INVALID;  // as in may_send()
  const std::uint64_t cost = bytes + packet_overhead_bytes;
  const std::uint64_t limit = mine.mailbox->limits().queue_bytes_max;
  // Half the limit, not the first gap: a sender is woken for a run of packets, not for one.
  const std::uint64_t fits = cost > limit ? 0 : std::min(limit / 2, limit - cost);
  if (!mine.out.writable_below) end(other(from)).mailbox->owe_writable({this, from});
  mine.out.writable_below = std::min(fits, mine.out.writable_below.value_or(fits));
  return TT_E_AGAIN;
}

bool Link::has_room(Side sender) {
  std::optional<std::uint64_t>& below = end(sender).out.writable_below;
  if (queued_bytes(sender) > *below) return false;
  below.reset();
  return true;
}

void Link::post_writable(Side sender) {
  const Mailbox::Lock lock(*end(sender).mailbox);
  if (!end(sender).closing) post(sender, TT_EV_WRITABLE);
}

tt_status Link::refuse_too_big(Side from, std::uint64_t bytes) {
  const BothLocks locks = lock_both();
  if (end(from).closing) return TT_E_CLOSED;
  if (!end(from).up.load(std::memory_order_relaxed)) return TT_E_INVALID;  // as in may_send()
  const auto bytes_max = end(other(from)).mailbox->limits().packet_bytes_max;
  const std::string text = "connection " + in_quotes(uri_) + ": a packet of " +
                           std::to_string(bytes) + " bytes is above the receiver's limit of " +
                           std::to_string(bytes_max);
  take_over_packets(Side::connector);
  take_over_packets(Side::acceptor);
  end_with(Side::connector, TT_E_TOOBIG, text);
  end_with(Side::acceptor, TT_E_TOOBIG, text);
  return TT_E_TOOBIG;
}

// ---- Delivering ----

bool Link::deliver(const Record& record, tt_event& event, Mailbox::Lock& lock) {
  End& mine = end(record.side);
  event.user = mine.user.load(std::memory_order_acquire);  // pairs with set_user()
  event.conn = reinterpret_cast<tt_conn*>(&mine.handle);
  switch (record.kind) {
    case TT_EV_PACKET:
      return deliver_packet(record, event, lock);
    case TT_EV_ACCEPTED:
      event.user = nullptr;
      event.aux = reinterpret_cast<std::uintptr_t>(record.listener->user);
      mine.up.store(true, std::memory_order_relaxed);  // see may_send()
      break;
    case TT_EV_CONNECTED:
      mine.up.store(true, std::memory_order_relaxed);  // see may_send()
      break;
    case TT_EV_CLOSED:
      event.data = record.bytes();
      event.len = record.size - 1;  // without its end
      break;
    default:
      break;
  }
  return true;
}

bool Link::deliver_packet(const Record& record, tt_event& event, Mailbox::Lock& lock) {
  End& mine = end(record.side);
  Packet* const packet = record.packet;
  if (packet == nullptr) {
    count_taken(mine, record.size);
    // Relaxed: an abort on another thread at this moment may come before or after.
    if (mine.dropping.load(std::memory_order_relaxed)) return false;
    event.data = record.bytes();
    event.len = record.size;
    return true;
  }
  // Before anything else: a close may be changing the packet.
  if (!lock.owns_lock()) lock.lock();
  count_taken(mine, packet->size());
  if (mine.dropping.load(std::memory_order_relaxed)) {  // under the lock
    mine.mailbox->recycle(std::unique_ptr<Packet>(packet));
    return false;
  }
  // From here on only a release ends the loan. Those that are lent arrive in the list's order.
  if (packet->is_lent()) end(other(record.side)).out.first_lent = packet->next_lent;
  mine.mailbox->packet_held();
  packet->describe(event);
  event.rx = reinterpret_cast<tt_rx*>(packet);
  return true;
}

void Link::count_taken(End& mine, std::uint64_t bytes) {
  // Relaxed: leaders alone write it, one after the other; for senders see queued_bytes().
  const std::uint64_t before = mine.taken_bytes.load(std::memory_order_relaxed);
  mine.taken_bytes.store(before + bytes + packet_overhead_bytes, std::memory_order_relaxed);
}

// ---- Ending ----

void Link::close(Side side, sdk::CloseMode mode) {
  const BothLocks locks = lock_both();
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
  if (mine.closing || mine.mailbox == nullptr) return;
  mine.closing = true;
  mine.why = why;
  mine.why_text = std::move(text);
  if (mine.out.writable_below) end(other(side)).mailbox->forget_debt({this, side});
  close_when_settled(side);
}

// What the receiver holds of lent packets cannot be taken from it: SENT, and then CLOSED, wait.
void Link::close_when_settled(Side side) {
  End& mine = end(side);
  if (!mine.closing || mine.closed) return;
  // That it is closing was set under both locks: nobody lends any more, and all counts are seen.
  if (mine.returned_packets != mine.out.lent_packets) return;
  const std::size_t length = std::min<std::size_t>(mine.why_text.size(), copy_bytes_max - 1);
  Record& event = mine.mailbox->compose(length + 1);
  event.kind = TT_EV_CLOSED;
  event.side = side;
  event.status = mine.why;
  event.link = this;
  std::memcpy(event.bytes(), mine.why_text.data(), length);
  event.bytes()[length] = std::byte{0};
  mine.closed = true;
  mine.mailbox->post();
  mine.mailbox->connection_closed();
}

void Link::return_lent(Side sender, std::uint64_t op, tt_status status) {
  ++end(sender).returned_packets;
  post(sender, TT_EV_SENT, status, op);
  if (end(sender).closing) close_when_settled(sender);
}

void Link::lent_packet_returned(Side sender, std::uint64_t op) {
  const std::lock_guard lock(*end(sender).mailbox);
  return_lent(sender, op, TT_OK);
}

// An orderly close delivers what was sent without waiting for the receiver to run.
void Link::take_over_packets(Side from) {
  Outgoing& out = end(from).out;
  Packet** link = &out.first_lent;
  while (Packet* const packet = *link) {
    const std::uint64_t op = packet->lender().op;
    try {
      packet->become_own();
    } catch (const std::bad_alloc&) {
      link = &packet->next_lent;  // close_when_settled() waits until the receiver has released it
      continue;
    }
    *link = packet->next_lent;
    return_lent(from, op, TT_OK);
  }
}

void Link::drop_packets(Side from) {
  // Relaxed: see deliver_packet().
  end(other(from)).dropping.store(true, std::memory_order_relaxed);
  Outgoing& out = end(from).out;
  while (Packet* const packet = std::exchange(
             out.first_lent, out.first_lent == nullptr ? nullptr : out.first_lent->next_lent)) {
    const std::uint64_t op = packet->lender().op;
    packet->clear();
    return_lent(from, op, TT_E_CLOSED);
  }
}

void Link::free(Side side) {
  // Forgetting may drop the last reference to this link, and with it the one to the mailbox.
  const std::shared_ptr<Mailbox> mailbox = end(side).mailbox;
  mailbox->forget(end(side).key);
}

}  // namespace trestle::inproc
