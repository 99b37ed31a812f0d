/* Packets as datagrams: cut when they go out, put together when they come in. */
#include "stream.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

static void put_length(unsigned char* at, uint32_t length) {
  for (int i = 0; i < HEADER_BYTES; ++i) at[i] = (unsigned char)(length >> (8 * i));
}

static uint32_t get_length(const unsigned char* at) {
  uint32_t length = 0;
  for (int i = 0; i < HEADER_BYTES; ++i) length |= (uint32_t)at[i] << (8 * i);
  return length;
}

static struct datagram* new_datagram(tt_transport* t, uint32_t length, size_t payload) {
  struct datagram* datagram = seq_take(t, sizeof(*datagram) + HEADER_BYTES + payload);
  if (datagram == NULL) return NULL;
  datagram->size = HEADER_BYTES + payload;
  put_length(datagram->bytes, length);
  return datagram;
}

static void free_datagram(tt_transport* t, struct datagram* datagram) {
  seq_give(t, datagram, sizeof(*datagram) + datagram->size);
}

static void free_datagrams(tt_transport* t, struct datagram* first) {
  while (first != NULL) {
    struct datagram* next = first->next;
    free_datagram(t, first);
    first = next;
  }
}

static void append(tt_conn* conn, struct datagram* datagram) {
  *conn->last_queued = datagram;
  for (; datagram != NULL; datagram = datagram->next) {
    /* Its own size counts, too, or empty packets would fill memory without bound. */
    conn->queued_bytes += sizeof(*datagram) + datagram->size;
    conn->last_queued = &datagram->next;
  }
}

/* A position in the host's gather list. */
struct cursor {
  const tt_iov* segment;
  size_t taken; /* of that segment */
};

static void copy_from(struct cursor* at, unsigned char* to, size_t count) {
  while (count > 0) {
    const size_t left = at->segment->len - at->taken;
    const size_t some = left < count ? left : count;
    if (some > 0) memcpy(to, (const unsigned char*)at->segment->base + at->taken, some);
    to += some;
    count -= some;
    at->taken += some;
    if (at->taken == at->segment->len && count > 0) *at = (struct cursor){at->segment + 1, 0};
  }
}

/* The whole packet as datagrams, or null. */
static struct datagram* cut(tt_transport* t, const tt_iov* segments, uint32_t length) {
  struct datagram* first = NULL;
  struct datagram** last = &first;
  struct cursor at = {segments, 0};
  do {
    const size_t payload = length < FRAGMENT_BYTES ? length : FRAGMENT_BYTES;
    struct datagram* datagram = new_datagram(t, length, payload);
    if (datagram == NULL) {
      free_datagrams(t, first);
      return NULL;
    }
    copy_from(&at, datagram->bytes + HEADER_BYTES, payload);
    *last = datagram;
    last = &datagram->next;
    length -= (uint32_t)payload;
  } while (length > 0);
  return first;
}

/* Anything fits into an empty queue. */
static bool has_room(const tt_conn* conn, uint64_t bytes) {
  return conn->first_queued == NULL ||
         conn->queued_bytes + bytes <= conn->transport->queue_bytes_max;
}

tt_status seq_send(tt_transport* t, tt_conn* conn, const tt_iov* segments, uint32_t count,
                   uint32_t flags, uint64_t op) {
  uint64_t bytes = 0;
  struct datagram* datagrams = NULL;
  const bool idle = conn->first_queued == NULL;
  (void)flags; /* every send is a copy */
  (void)op;
  if (conn->state != CONN_UP) return TT_E_CLOSED;
  if (count > SEGMENTS_MAX) return TT_E_INVALID;
  for (uint32_t i = 0; i < count; ++i) bytes += segments[i].len;
  if (bytes >= GOODBYE) return TT_E_TOOBIG;
  if (!has_room(conn, bytes)) {
    conn->refused_bytes = bytes + 1;
    return TT_E_AGAIN;
  }
  datagrams = cut(t, segments, (uint32_t)bytes);
  if (datagrams == NULL) return TT_E_NOMEM;
  append(conn, datagrams);
  if (idle) seq_write(conn);
  return TT_OK;
}

bool seq_queue_goodbye(tt_conn* conn) {
  struct datagram* datagram = new_datagram(conn->transport, GOODBYE, 0);
  if (datagram == NULL) return false;
  append(conn, datagram);
  return true;
}

void seq_drop_queue(tt_conn* conn) {
  free_datagrams(conn->transport, conn->first_queued);
  conn->first_queued = NULL;
  conn->last_queued = &conn->first_queued;
  conn->queued_bytes = 0;
}

static void drop_first(tt_conn* conn) {
  struct datagram* datagram = conn->first_queued;
  conn->first_queued = datagram->next;
  if (conn->first_queued == NULL) conn->last_queued = &conn->first_queued;
  conn->queued_bytes -= sizeof(*datagram) + datagram->size;
  free_datagram(conn->transport, datagram);
}

static void await_room(tt_conn* conn) {
  const bool waits = conn->first_queued != NULL;
  if (waits == conn->waits_for_room) return;
  conn->waits_for_room = waits;
  seq_watch(conn->transport, &conn->source, EPOLL_CTL_MOD, EPOLLIN | (waits ? EPOLLOUT : 0));
}

void seq_write(tt_conn* conn) {
  while (conn->first_queued != NULL) {
    const struct datagram* datagram = conn->first_queued;
    const ssize_t count =
        send(conn->source.fd, datagram->bytes, datagram->size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      drop_first(conn);
    } else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
      break;
    } else {
      seq_drop_queue(conn); /* the peer is gone; what it said before is still to be read */
    }
  }
  if (conn->refused_bytes > 0 && has_room(conn, conn->refused_bytes) &&
      conn->queued_bytes <= conn->transport->queue_bytes_max / 2) {
    conn->refused_bytes = 0;
    conn->says_writable = true;
  }
  if (conn->state == CONN_CLOSING && conn->first_queued == NULL) {
    seq_finish(conn, TT_E_CLOSED, "closed by this side");
  } else {
    await_room(conn);
  }
}

/* A datagram of `size` bytes has arrived. False: it ends the connection. */
static bool take_datagram(tt_conn* conn, size_t size, tt_rx** packet) {
  tt_transport* t = conn->transport;
  const uint32_t length = size < HEADER_BYTES ? 0 : get_length(t->arriving);
  const size_t payload = length < FRAGMENT_BYTES ? length : FRAGMENT_BYTES;
  if (size == HEADER_BYTES && length == GOODBYE && conn->partial == NULL) {
    seq_finish(conn, TT_E_CLOSED, "closed by the peer");
    return false;
  }
  if (size != HEADER_BYTES + payload ||
      (conn->partial != NULL && length != conn->partial->size - conn->partial->filled)) {
    seq_finish(conn, TT_E_PROTOCOL, "the peer does not speak this protocol");
    return false;
  }
  if (conn->partial == NULL) {
    if (length > conn->arriving_max) {
      seq_finish(conn, TT_E_TOOBIG,
                 "the peer announced a packet above the limit, rx_max_msg or rx_first_msg_max");
      return false;
    }
    conn->arriving_max = t->packet_bytes_max; /* only the first may be limited further */
    conn->partial = seq_take_packet(t, length);
    if (conn->partial == NULL) {
      seq_finish(conn, TT_E_NOMEM, "no memory for a packet");
      return false;
    }
  }
  memcpy(conn->partial->bytes + conn->partial->filled, t->arriving + HEADER_BYTES, payload);
  conn->partial->filled += payload;
  if (conn->partial->filled == conn->partial->size) {
    *packet = conn->partial;
    conn->partial = NULL;
  }
  return true;
}

bool seq_read(tt_conn* conn, tt_rx** packet) {
  unsigned char* buffer = conn->transport->arriving;
  const size_t room = sizeof(conn->transport->arriving);
  ssize_t count = recv(conn->source.fd, buffer, room, MSG_DONTWAIT);
  /* This error comes before the datagrams that the peer sent, and only once. */
  if (count < 0 && errno == ECONNRESET) count = recv(conn->source.fd, buffer, room, MSG_DONTWAIT);
  if (count > 0) return take_datagram(conn, (size_t)count, packet);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  seq_finish(conn, TT_E_RESET, "the peer's stream ended without a goodbye: was it killed?");
  return false;
}

void seq_discard(tt_conn* conn) {
  unsigned char* buffer = conn->transport->arriving;
  const size_t room = sizeof(conn->transport->arriving);
  for (int turns = 64; turns > 0; --turns) {
    if (recv(conn->source.fd, buffer, room, MSG_DONTWAIT) <= 0) break;
  }
}
