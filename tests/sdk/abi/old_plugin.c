/* A transport within one process, in C, for ever built against the contract as it was in 0.9, and
 * once more against each version that was kept since.
 *
 * Nothing here changes when the contract grows: that is what it is for. Queues in memory, one lock
 * for all transports, no options.
 */
#include <trestle/thin_transport.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "old://";
enum { uri_bytes = 128, packet_cost = 64, iov_max = 16 };

struct tt_listener {
  tt_listener* next;
  tt_transport* transport;
  void* user;
  char uri[uri_bytes];
};

struct tt_conn {
  tt_conn* next;
  tt_transport* transport;
  tt_conn* peer;
  void* user;
  uint64_t inbox_bytes;
  uint64_t batch;      /* that its ACCEPTED was in */
  int closed_here;     /* packets still to come are dropped */
  int ended;           /* CLOSED is queued, or was handed out */
  int peer_is_waiting; /* for a WRITABLE */
  char uri[uri_bytes];
};

typedef struct note { /* an event that waits */
  struct note* next;
  tt_conn* conn;
  tt_listener* listener; /* to be freed with its UNLISTENED */
  tt_event event;
  char bytes[];
} note;

struct tt_transport {
  const tt_host* host;
  note* first;
  note* last;
  note* lent; /* packets of the last batch */
  tt_conn* conns;
  uint64_t batch, rx_max_msg, tx_hwm_bytes;
  int armed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for all below and in all structs */
static tt_listener* listeners;
static unsigned names;

static tt_status fail(tt_error* error, tt_status status, const char* what, const char* subject) {
  tt_error full = {.code = status};
  if (error == NULL) return status;
  full.size = error->size;
  snprintf(full.text, sizeof(full.text), "old: %s '%.100s'", what, subject);
  memcpy(error, &full, error->size < sizeof(full) ? error->size : sizeof(full));
  if (error->size > offsetof(tt_error, text) && error->size < sizeof(full)) {
    ((char*)error)[error->size - 1] = '\0';
  }
  return status;
}

static note* new_note(size_t bytes) {
  note* made = calloc(1, sizeof(note) + bytes);
  if (made == NULL) abort(); /* not what this plugin is about */
  return made;
}

static void push(tt_transport* t, note* n) {
  if (t->first == NULL) {
    t->first = n;
  } else {
    t->last->next = n;
  }
  t->last = n;
  if (t->armed) t->host->wake(t->host);
  t->armed = 0;
}

static void tell(tt_conn* c, uint16_t kind, tt_status status, const char* text) {
  note* n = new_note(0);
  n->conn = c;
  n->event.kind = kind;
  n->event.status = status;
  n->event.data = text;
  push(c->transport, n);
}

static void end(tt_conn* c, tt_status status, const char* text) {
  if (c == NULL || c->ended) return;
  c->ended = 1;
  tell(c, TT_EV_CLOSED, status, text);
}

/* ---- Life cycle ---- */

static tt_status open_transport(const tt_host* host, const tt_open_params* params,
                                tt_transport** out, tt_error* error) {
  if (params->nkv != 0) return fail(error, TT_E_ADDR, "unknown option", params->kv->key);
  tt_transport* t = calloc(1, sizeof(*t));
  if (t == NULL) return fail(error, TT_E_NOMEM, "no memory for", params->scheme);
  t->host = host;
  t->rx_max_msg = params->rx_max_msg;
  t->tx_hwm_bytes = params->tx_hwm_bytes;
  *out = t;
  return TT_OK;
}

static tt_status query(tt_transport* t, tt_attr* attr) {
  const tt_attr full = {.size = attr->size,
                        .thread_level = TT_THREAD_SERIAL,
                        .caps = TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_INTEGRITY,
                        .wait_fd = -1,
                        .wait_flags = TT_WAIT_WAKE,
                        .max_iov = iov_max,
                        .copy_max = UINT32_MAX,
                        .borrow_min = UINT32_MAX};
  (void)t;
  memcpy(attr, &full, attr->size < sizeof(full) ? attr->size : sizeof(full));
  return TT_OK;
}

static void remove_listener(tt_listener* l) {
  note* n = new_note(0);
  for (tt_listener** at = &listeners; *at != NULL; at = &(*at)->next) {
    if (*at == l) {
      *at = l->next;
      break;
    }
  }
  n->listener = l;
  n->event.kind = TT_EV_UNLISTENED;
  n->event.status = TT_E_CLOSED;
  n->event.user = l->user;
  push(l->transport, n);
}

static void close_conn(tt_conn* c, uint32_t flags) {
  c->closed_here = 1;
  if (c->ended) return;
  end(c->peer, (flags & TT_CLOSE_ABORT) != 0 ? TT_E_RESET : TT_E_CLOSED, NULL);
  end(c, TT_E_CLOSED, NULL);
}

static void shut_down(tt_transport* t, uint32_t flags) {
  note* n = new_note(0);
  (void)flags;
  pthread_mutex_lock(&lock);
  for (tt_listener *l = listeners, *next; l != NULL; l = next) {
    next = l->next;
    if (l->transport == t) remove_listener(l);
  }
  for (tt_conn* c = t->conns; c != NULL; c = c->next) close_conn(c, 0);
  n->event.kind = TT_EV_DOWN;
  push(t, n);
  pthread_mutex_unlock(&lock);
}

static void free_notes(note* n) {
  while (n != NULL) {
    note* next = n->next;
    free(n);
    n = next;
  }
}

static tt_status destroy(tt_transport* t) {
  if (t->conns != NULL) return TT_E_BUSY;
  free_notes(t->first);
  free_notes(t->lent);
  free(t);
  return TT_OK;
}

/* ---- Addresses and connections ---- */

static int is_well_formed(const char* uri) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0 || strlen(uri) >= uri_bytes) return 0;
  const char* name = uri + sizeof(scheme) - 1;
  return strcmp(name, "*") == 0 || (*name != '\0' && name[strspn(name, allowed)] == '\0');
}

static tt_listener* listener_at(const char* uri) {
  for (tt_listener* l = listeners; l != NULL; l = l->next) {
    if (strcmp(l->uri, uri) == 0) return l;
  }
  return NULL;
}

static tt_status listen_at(tt_transport* t, const char* uri, void* user, tt_listener** out,
                           tt_error* error) {
  if (!is_well_formed(uri)) return fail(error, TT_E_ADDR, "expected old://NAME, got", uri);
  tt_listener* l = calloc(1, sizeof(*l));
  if (l == NULL) return fail(error, TT_E_NOMEM, "no memory for", uri);
  l->transport = t;
  l->user = user;
  pthread_mutex_lock(&lock);
  if (uri[sizeof(scheme) - 1] == '*') {
    snprintf(l->uri, sizeof(l->uri), "%sunique-%u", scheme, ++names);
  } else {
    memcpy(l->uri, uri, strlen(uri) + 1);
  }
  const int taken = listener_at(l->uri) != NULL;
  if (!taken) {
    l->next = listeners;
    listeners = l;
  }
  pthread_mutex_unlock(&lock);
  if (taken) {
    free(l);
    return fail(error, TT_E_ADDRINUSE, "another listener has", uri);
  }
  *out = l;
  return TT_OK;
}

static tt_status listener_uri(tt_transport* t, tt_listener* l, char* buf, size_t* len) {
  const size_t room = *len;
  (void)t;
  *len = strlen(l->uri) + 1;
  if (room < *len) return TT_E_TOOBIG;
  memcpy(buf, l->uri, *len);
  return TT_OK;
}

static void unlisten(tt_transport* t, tt_listener* l) {
  (void)t;
  pthread_mutex_lock(&lock);
  remove_listener(l);
  pthread_mutex_unlock(&lock);
}

static tt_conn* new_conn(tt_transport* t, const char* uri, void* user) {
  tt_conn* c = calloc(1, sizeof(*c));
  if (c == NULL) abort();
  c->transport = t;
  c->user = user;
  c->next = t->conns;
  t->conns = c;
  memcpy(c->uri, uri, strlen(uri) + 1);
  return c;
}

static void accept_from(tt_listener* l, tt_conn* client) {
  note* n = new_note(0);
  tt_conn* c = new_conn(l->transport, "", NULL);
  c->peer = client;
  client->peer = c;
  n->conn = c;
  n->event.kind = TT_EV_ACCEPTED;
  n->event.aux = (uintptr_t)l->user;
  push(l->transport, n);
  tell(client, TT_EV_CONNECTED, TT_OK, NULL);
}

static tt_status connect_to(tt_transport* t, const char* uri, void* user, tt_conn** out,
                            tt_error* error) {
  if (!is_well_formed(uri)) return fail(error, TT_E_ADDR, "expected old://NAME, got", uri);
  pthread_mutex_lock(&lock);
  tt_listener* l = listener_at(uri);
  *out = new_conn(t, uri, user);
  if (l != NULL) {
    accept_from(l, *out);
  } else {
    end(*out, TT_E_REFUSED, "nobody listens there");
  }
  pthread_mutex_unlock(&lock);
  return TT_OK;
}

static void conn_set_user(tt_transport* t, tt_conn* c, void* user) {
  (void)t;
  c->user = user;
}

static tt_status conn_info(tt_transport* t, tt_conn* c, tt_conn_info* info) {
  tt_conn_info full = {.size = info->size, .peer_pid = -1, .peer_uid = -1};
  (void)t;
  memcpy(full.peer_uri, c->uri, sizeof(c->uri));
  memcpy(info, &full, info->size < sizeof(full) ? info->size : sizeof(full));
  return TT_OK;
}

static void conn_close(tt_transport* t, tt_conn* c, uint32_t flags) {
  (void)t;
  pthread_mutex_lock(&lock);
  close_conn(c, flags);
  pthread_mutex_unlock(&lock);
}

static void conn_free(tt_transport* t, tt_conn* c) {
  pthread_mutex_lock(&lock);
  for (tt_conn** at = &t->conns; *at != NULL; at = &(*at)->next) {
    if (*at == c) {
      *at = c->next;
      break;
    }
  }
  if (c->peer != NULL) c->peer->peer = NULL;
  pthread_mutex_unlock(&lock);
  free(c);
}

/* ---- Packets and events ---- */

static tt_status hand_over(tt_conn* c, const tt_iov* iov, uint32_t n, size_t bytes) {
  tt_conn* to = c->peer;
  if (c->ended || to == NULL) return TT_E_CLOSED;
  if (bytes > to->transport->rx_max_msg) {
    end(to, TT_E_TOOBIG, NULL);
    end(c, TT_E_TOOBIG, NULL);
    return TT_E_TOOBIG;
  }
  if (to->inbox_bytes != 0 && to->inbox_bytes + bytes > c->transport->tx_hwm_bytes) {
    to->peer_is_waiting = 1;
    return TT_E_AGAIN;
  }
  note* packet = new_note(bytes);
  char* at = packet->bytes;
  for (uint32_t i = 0; i < n; ++i) {
    if (iov[i].len != 0) memcpy(at, iov[i].base, iov[i].len);
    at += iov[i].len;
  }
  packet->conn = to;
  packet->event.kind = TT_EV_PACKET;
  packet->event.data = packet->bytes;
  packet->event.len = bytes;
  to->inbox_bytes += bytes + packet_cost;
  push(to->transport, packet);
  return TT_OK;
}

static tt_status send_packet(tt_transport* t, tt_conn* c, const tt_iov* iov, uint32_t n,
                             uint32_t flags, uint64_t op) {
  size_t bytes = 0;
  (void)t, (void)flags, (void)op;
  if (n > iov_max) return TT_E_INVALID;
  for (uint32_t i = 0; i < n; ++i) bytes += iov[i].len;
  pthread_mutex_lock(&lock);
  const tt_status status = hand_over(c, iov, n, bytes);
  pthread_mutex_unlock(&lock);
  return status;
}

/* Whether the host still wants the event. */
static int settle(note* n) {
  tt_conn* c = n->conn;
  if (c == NULL) return 1;
  n->event.conn = c;
  n->event.user = c->user;
  if (n->event.kind == TT_EV_ACCEPTED) c->batch = c->transport->batch;
  if (n->event.kind == TT_EV_PACKET) {
    c->inbox_bytes -= n->event.len + packet_cost;
    if (c->peer_is_waiting && c->peer != NULL && !c->peer->ended && c->inbox_bytes == 0) {
      c->peer_is_waiting = 0;
      tell(c->peer, TT_EV_WRITABLE, TT_OK, NULL);
    }
  }
  return !c->closed_here || n->event.kind == TT_EV_ACCEPTED || n->event.kind == TT_EV_CLOSED;
}

static int32_t progress(tt_transport* t, tt_event* events, uint32_t cap) {
  uint32_t count = 0;
  pthread_mutex_lock(&lock);
  free_notes(t->lent);
  t->lent = NULL;
  t->armed = 0;
  ++t->batch;
  while (count < cap && t->first != NULL) {
    note* n = t->first;
    if (n->conn != NULL && n->conn->batch == t->batch) break; /* ACCEPTED is alone */
    t->first = n->next;
    if (settle(n)) events[count++] = n->event;
    free(n->listener);
    n->next = t->lent;
    t->lent = n;
  }
  pthread_mutex_unlock(&lock);
  return (int32_t)count;
}

static tt_status arm(tt_transport* t, uint64_t* deadline_ns) {
  *deadline_ns = 0;
  pthread_mutex_lock(&lock);
  const int may_sleep = t->first == NULL;
  t->armed = may_sleep;
  pthread_mutex_unlock(&lock);
  return may_sleep ? TT_OK : TT_E_BUSY;
}

static const tt_ops operations = {.size = sizeof(tt_ops),
                                  .open = open_transport,
                                  .query = query,
                                  .shutdown = shut_down,
                                  .destroy = destroy,
                                  .listen = listen_at,
                                  .listener_uri = listener_uri,
                                  .unlisten = unlisten,
                                  .connect = connect_to,
                                  .conn_set_user = conn_set_user,
                                  .conn_info = conn_info,
                                  .conn_close = conn_close,
                                  .conn_free = conn_free,
                                  .send = send_packet,
                                  .progress = progress,
                                  .arm = arm};

static const tt_scheme schemes[] = {{"old", TT_REACH_PROCESS, 0}};

TT_PLUGIN_DEFINE = {.magic = TT_MAGIC,
                    .abi_major = TT_ABI_MAJOR,
                    .abi_minor = TT_ABI_MINOR,
                    .size = sizeof(tt_plugin),
                    .layout = TT_LAYOUT,
                    .min_host_minor = TT_ABI_MINOR,
                    .name = "old",
                    .version = BUILT_WITH,
                    .vendor = "Trestle",
                    .schemes = schemes,
                    .nschemes = 1,
                    .ops = &operations};
