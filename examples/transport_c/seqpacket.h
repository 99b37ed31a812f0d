/* seqpacket://name: packets over SOCK_SEQPACKET sockets with abstract names. What the files share.
 */
#ifndef SEQPACKET_H
#define SEQPACKET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <trestle/thin_transport.h>

/* A datagram is how many bytes of its packet are still to come, little-endian, then as many of them
 * as fit. The kernel keeps datagrams whole and in order, so that is the whole protocol. */
enum { HEADER_BYTES = 4, FRAGMENT_BYTES = 32 * 1024, SEGMENTS_MAX = 64, URI_BYTES = 128 };
#define GOODBYE UINT32_MAX /* instead of a length: nothing follows */

/* ---- What epoll, deadlines and the list of work know ---------------------------------------- */
enum source_kind { SOURCE_LISTENER, SOURCE_CONN };

struct source {
  enum source_kind kind;
  int fd;               /* -1: closed */
  bool has_work;        /* it is in the list of work */
  uint64_t deadline_ns; /* 0: none */
  struct source* next_with_work;
};

struct address {
  struct sockaddr_un name;
  socklen_t size;
};

struct tt_listener {
  struct source source; /* first: a source is cast to what it is part of */
  void* user;
  char uri[URI_BYTES];
  bool says_unlistened;
  struct tt_listener* next;
};

/* A datagram that the socket did not take yet. */
struct datagram {
  struct datagram* next;
  size_t size;
  unsigned char bytes[];
};

/* A received packet, lent to the host until rx_release(). */
struct tt_rx {
  size_t size;
  size_t filled;
  unsigned char bytes[];
};

enum conn_state { CONN_UP, CONN_CLOSING, CONN_CLOSED };

struct tt_conn {
  struct source source; /* first, as above */
  tt_transport* transport;
  void* user;
  enum conn_state state;
  char peer_uri[URI_BYTES];

  /* What the host has not been told yet. */
  uint16_t says_up; /* TT_EV_ACCEPTED, TT_EV_CONNECTED or 0 */
  bool says_writable;
  bool says_closed;
  void* listener_user; /* of ACCEPTED */
  tt_status why;       /* of CLOSED */
  char reason[120];

  struct datagram* first_queued;
  struct datagram** last_queued; /* where the next one is linked in */
  uint64_t queued_bytes;
  uint64_t refused_bytes; /* of the send that was told TT_E_AGAIN; 0: none */
  bool waits_for_room;    /* epoll looks for EPOLLOUT */
  struct tt_rx* partial;  /* the packet that is arriving */
  uint64_t arriving_max;  /* largest packet that may begin now */

  struct tt_conn* next;
  struct tt_conn* previous;
};

enum transport_phase { PHASE_OPEN, PHASE_CLOSING, PHASE_DOWN };

struct tt_transport {
  const tt_host* host;
  uint64_t packet_bytes_max;
  uint64_t first_packet_bytes_max; /* of an accepted connection */
  uint64_t queue_bytes_max;
  uint64_t linger_ns;
  int epoll;
  enum transport_phase phase;
  bool host_may_sleep; /* arm() said TT_OK, and nothing has happened since */
  uint64_t lent;       /* packets that the host holds */
  uint64_t open_conns;
  uint64_t deadlines; /* sources that have one */
  uint64_t with_work; /* sources in the list of work */
  struct source* first_with_work;
  struct source** last_with_work;
  struct tt_conn* conns;
  struct tt_conn* freed; /* until the next progress(): the host may still read their reasons */
  struct tt_listener* listeners;
  unsigned char arriving[HEADER_BYTES + FRAGMENT_BYTES + 1]; /* one more shows what is too long */
};

/* The events of one progress(). */
struct batch {
  tt_event* events;
  uint32_t size;
  uint32_t room;
};

/* ---- transport.c ---------------------------------------------------------------------------- */
void* seq_take(tt_transport* t, size_t size);
void seq_give(tt_transport* t, void* memory, size_t size);
tt_rx* seq_take_packet(tt_transport* t, size_t size);
void seq_give_packet(tt_transport* t, tt_rx* packet);

/* Puts `source` into the list of work, and ends the host's sleep. */
void seq_add_work(tt_transport* t, struct source* source);
void seq_set_deadline(tt_transport* t, struct source* source, uint64_t at_ns);
int seq_watch(tt_transport* t, struct source* source, int operation, uint32_t interest);
/* Takes `source` out of epoll, out of the list of work, and closes its socket. */
void seq_forget(tt_transport* t, struct source* source);
tt_event* seq_event(struct batch* batch, uint16_t kind);

/* ---- error.c -------------------------------------------------------------------------------- */
/* Fills `error` as far as the host knows it, if there is one; returns `code`. */
tt_status seq_fail(tt_error* error, tt_status code, int os_errno, const char* format, ...)
    __attribute__((format(printf, 4, 5)));
tt_status seq_status_of(int os_errno);

/* ---- address.c ------------------------------------------------------------------------------ */
tt_status seq_parse(const char* uri, struct address* out, tt_error* error);
bool seq_is_any(const struct address* address);
void seq_uri_of(int socket, char out[URI_BYTES]);
int seq_socket(void);

/* ---- listener.c and connection.c: slots of tt_ops, and what the driver calls ---------------- */
tt_status seq_listen(tt_transport* t, const char* uri, void* user, tt_listener** out,
                     tt_error* error);
tt_status seq_listener_uri(tt_transport* t, tt_listener* listener, char* buffer, size_t* size);
void seq_unlisten(tt_transport* t, tt_listener* listener);
void seq_drive_listener(tt_transport* t, tt_listener* listener, struct batch* batch);
void seq_free_listeners(tt_transport* t);

tt_status seq_connect(tt_transport* t, const char* uri, void* user, tt_conn** out, tt_error* error);
/* Takes over `socket`. Null, with the socket closed: there is no memory. */
tt_conn* seq_accept(tt_transport* t, int socket, void* listener_user);
void seq_conn_close(tt_transport* t, tt_conn* conn, uint32_t flags);
void seq_conn_free(tt_transport* t, tt_conn* conn);
tt_status seq_send(tt_transport* t, tt_conn* conn, const tt_iov* segments, uint32_t count,
                   uint32_t flags, uint64_t op);
void seq_rx_release(tt_transport* t, tt_rx* rx);
void seq_drive_conn(tt_transport* t, tt_conn* conn, struct batch* batch);
/* The linger time is over. */
void seq_give_up(tt_conn* conn);
void seq_delete_freed(tt_transport* t);

#endif
