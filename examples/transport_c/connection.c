/* A connection: coming up, ending, and what the host is told of both. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "seqpacket.h"
#include "stream.h"

static tt_conn* add_conn(tt_transport* t, int socket, uint16_t says_up) {
  tt_conn* conn = seq_take(t, sizeof(*conn));
  if (conn == NULL) return NULL;
  conn->source.kind = SOURCE_CONN;
  conn->source.fd = socket;
  conn->transport = t;
  conn->says_up = says_up;
  conn->arriving_max = says_up == TT_EV_ACCEPTED ? t->first_packet_bytes_max : t->packet_bytes_max;
  conn->last_queued = &conn->first_queued;
  conn->next = t->conns;
  if (t->conns != NULL) t->conns->previous = conn;
  t->conns = conn;
  ++t->open_conns;
  return conn;
}

static void start(tt_transport* t, tt_conn* conn) {
  if (seq_watch(t, &conn->source, EPOLL_CTL_ADD, EPOLLIN) != 0) {
    seq_finish(conn, TT_E_FAILED, "cannot watch the connection");
  }
  seq_add_work(t, &conn->source);
}

tt_status seq_connect(tt_transport* t, const char* uri, void* user, tt_conn** out,
                      tt_error* error) {
  struct address address;
  const tt_status status = seq_parse(uri, &address, error);
  tt_conn* conn = NULL;
  int socket = -1;
  if (status != TT_OK) return status;
  if (seq_is_any(&address)) {
    return seq_fail(error, TT_E_ADDR, 0, "cannot connect to %s: it is for listeners", uri);
  }
  socket = seq_socket();
  if (socket < 0) {
    return seq_fail(error, seq_status_of(errno), errno, "cannot connect to %.100s: %s", uri,
                    strerror(errno));
  }
  conn = add_conn(t, socket, TT_EV_CONNECTED);
  if (conn == NULL) {
    close(socket);
    return seq_fail(error, TT_E_NOMEM, 0, "cannot connect to %.100s: no memory", uri);
  }
  conn->user = user;
  snprintf(conn->peer_uri, sizeof(conn->peer_uri), "%s", uri);
  *out = conn;
  if (connect(socket, (struct sockaddr*)&address.name, address.size) == 0) {
    start(t, conn);
  } else { /* that nobody listens is an event, so that hosts have one path for it */
    conn->says_up = 0;
    seq_finish(conn, seq_status_of(errno), strerror(errno));
  }
  return TT_OK;
}

tt_conn* seq_accept(tt_transport* t, int socket, void* listener_user) {
  tt_conn* conn = add_conn(t, socket, TT_EV_ACCEPTED);
  if (conn == NULL) {
    close(socket);
    return NULL;
  }
  conn->listener_user = listener_user;
  start(t, conn);
  return conn;
}

void seq_finish(tt_conn* conn, tt_status why, const char* reason) {
  tt_transport* t = conn->transport;
  conn->state = CONN_CLOSED;
  conn->says_closed = true;
  conn->says_writable = false;
  conn->why = why;
  snprintf(conn->reason, sizeof(conn->reason), "%s", reason);
  seq_forget(t, &conn->source);
  seq_drop_queue(conn);
  if (conn->partial != NULL) {
    seq_give_packet(t, conn->partial);
    conn->partial = NULL;
  }
  seq_add_work(t, &conn->source);
}

void seq_conn_close(tt_transport* t, tt_conn* conn, uint32_t flags) {
  if (conn->state == CONN_CLOSED) return;
  if ((flags & TT_CLOSE_ABORT) != 0) {
    seq_finish(conn, TT_E_CLOSED, "aborted by this side");
  } else if (conn->state == CONN_UP) {
    conn->state = CONN_CLOSING;
    seq_set_deadline(t, &conn->source, t->host->now(t->host) + t->linger_ns);
    if (seq_queue_goodbye(conn)) {
      seq_add_work(t, &conn->source); /* which writes it */
    } else {
      seq_finish(conn, TT_E_CLOSED, "closed by this side; no memory for a goodbye");
    }
  }
}

void seq_give_up(tt_conn* conn) {
  seq_finish(conn, TT_E_CLOSED, "closed by this side; not all was sent in the linger time");
}

void seq_conn_free(tt_transport* t, tt_conn* conn) {
  if (conn->previous != NULL) {
    conn->previous->next = conn->next;
  } else {
    t->conns = conn->next;
  }
  if (conn->next != NULL) conn->next->previous = conn->previous;
  seq_forget(t, &conn->source);
  conn->next = t->freed;
  t->freed = conn;
}

void seq_delete_freed(tt_transport* t) {
  while (t->freed != NULL) {
    tt_conn* conn = t->freed;
    t->freed = conn->next;
    seq_give(t, conn, sizeof(*conn));
  }
}

static tt_event* conn_event(struct batch* batch, uint16_t kind, tt_conn* conn) {
  tt_event* event = seq_event(batch, kind);
  event->conn = conn;
  event->user = conn->user;
  return event;
}

/* True if nothing else of this connection may come in this batch. */
static bool say_up(tt_conn* conn, struct batch* batch) {
  const uint16_t kind = conn->says_up;
  conn->says_up = 0;
  if (kind == 0) return false;
  conn_event(batch, kind, conn)->aux = (uintptr_t)conn->listener_user;
  return kind == TT_EV_ACCEPTED; /* the host sets its cookie after the batch */
}

void seq_drive_conn(tt_transport* t, tt_conn* conn, struct batch* batch) {
  if (say_up(conn, batch)) {
    seq_add_work(t, &conn->source);
    return;
  }
  if (conn->state != CONN_CLOSED) seq_write(conn);
  if (conn->says_writable && batch->size < batch->room) {
    conn->says_writable = false;
    conn_event(batch, TT_EV_WRITABLE, conn);
  }
  if (conn->state == CONN_CLOSING) seq_discard(conn);
  for (int turns = 64; conn->state == CONN_UP && batch->size < batch->room; --turns) {
    tt_rx* packet = NULL;
    tt_event* event = NULL;
    if (turns == 0) break; /* the others' turn */
    if (!seq_read(conn, &packet)) break;
    if (packet == NULL) continue; /* a part of one */
    event = conn_event(batch, TT_EV_PACKET, conn);
    event->data = packet->bytes;
    event->len = packet->size;
    event->rx = packet;
    ++t->lent;
  }
  /* What is left in the socket wakes the host through epoll; what is left here would not. */
  if (!conn->says_closed && !conn->says_writable) return;
  if (conn->says_closed && batch->size < batch->room) {
    tt_event* event = conn_event(batch, TT_EV_CLOSED, conn);
    event->status = conn->why;
    event->data = conn->reason;
    conn->says_closed = false;
    --t->open_conns;
    return;
  }
  seq_add_work(t, &conn->source);
}
