/* Opening, driving and ending a transport, and the tables that the host sees. */
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "seqpacket.h"

void* seq_take(tt_transport* t, size_t size) {
  void* memory = t->host->alloc(t->host, size, alignof(max_align_t));
  if (memory != NULL) memset(memory, 0, size);
  return memory;
}

void seq_give(tt_transport* t, void* memory, size_t size) {
  t->host->dealloc(t->host, memory, size, alignof(max_align_t));
}

tt_rx* seq_take_packet(tt_transport* t, size_t size) {
  tt_rx* packet = t->host->alloc(t->host, sizeof(*packet) + size, alignof(max_align_t));
  if (packet != NULL) *packet = (tt_rx){.size = size};
  return packet;
}

void seq_give_packet(tt_transport* t, tt_rx* packet) {
  seq_give(t, packet, sizeof(*packet) + packet->size);
}

void seq_rx_release(tt_transport* t, tt_rx* rx) {
  seq_give_packet(t, rx);
  --t->lent;
}

void seq_add_work(tt_transport* t, struct source* source) {
  if (!source->has_work) {
    source->has_work = true;
    ++t->with_work;
    source->next_with_work = NULL;
    *t->last_with_work = source;
    t->last_with_work = &source->next_with_work;
  }
  /* arm() allowed the host to sleep, and epoll knows nothing of this. */
  if (t->host_may_sleep) t->host->wake(t->host);
  t->host_may_sleep = false;
}

static struct source* next_work(tt_transport* t) {
  struct source* source = t->first_with_work;
  t->first_with_work = source->next_with_work;
  if (t->first_with_work == NULL) t->last_with_work = &t->first_with_work;
  source->has_work = false;
  --t->with_work;
  return source;
}

static void remove_work(tt_transport* t, struct source* source) {
  struct source** at = &t->first_with_work;
  if (!source->has_work) return;
  while (*at != source) at = &(*at)->next_with_work;
  *at = source->next_with_work;
  if (*at == NULL) t->last_with_work = at;
  source->has_work = false;
  --t->with_work;
}

void seq_set_deadline(tt_transport* t, struct source* source, uint64_t at_ns) {
  if (source->deadline_ns != 0) --t->deadlines;
  if (at_ns != 0) ++t->deadlines;
  source->deadline_ns = at_ns;
}

int seq_watch(tt_transport* t, struct source* source, int operation, uint32_t interest) {
  struct epoll_event event = {.events = interest, .data.ptr = source};
  return epoll_ctl(t->epoll, operation, source->fd, &event);
}

void seq_forget(tt_transport* t, struct source* source) {
  remove_work(t, source);
  seq_set_deadline(t, source, 0);
  if (source->fd < 0) return;
  /* After a fork the child has the socket open, too, and epoll would go on reporting it. */
  epoll_ctl(t->epoll, EPOLL_CTL_DEL, source->fd, NULL);
  close(source->fd);
  source->fd = -1;
}

tt_event* seq_event(struct batch* batch, uint16_t kind) {
  tt_event* event = &batch->events[batch->size++];
  *event = (tt_event){.kind = kind};
  return event;
}

/* A host before 0.12 knows no such limit. */
static uint64_t first_limit(const tt_open_params* params) {
  if (!TT_HAS(tt_open_params, params, rx_first_msg_max) || params->rx_first_msg_max == 0 ||
      params->rx_first_msg_max > params->rx_max_msg) {
    return params->rx_max_msg;
  }
  return params->rx_first_msg_max;
}

static tt_status open_transport(const tt_host* host, const tt_open_params* params,
                                tt_transport** out, tt_error* error) {
  tt_transport* t = NULL;
  if (params->nkv > 0) {
    return seq_fail(error, TT_E_ADDR, 0, "unknown option \"%.100s\": there are none",
                    params->kv[0].key);
  }
  t = host->alloc(host, sizeof(*t), alignof(max_align_t));
  if (t == NULL) return seq_fail(error, TT_E_NOMEM, 0, "seqpacket: no memory");
  *t = (tt_transport){.host = host,
                      .packet_bytes_max = params->rx_max_msg,
                      .first_packet_bytes_max = first_limit(params),
                      .queue_bytes_max = params->tx_hwm_bytes,
                      .linger_ns = params->linger_ns,
                      .epoll = epoll_create1(EPOLL_CLOEXEC)};
  t->last_with_work = &t->first_with_work;
  if (t->epoll < 0) {
    const int failed = errno;
    seq_give(t, t, sizeof(*t));
    return seq_fail(error, TT_E_FAILED, failed, "seqpacket: cannot make an epoll descriptor: %s",
                    strerror(failed));
  }
  *out = t;
  return TT_OK;
}

static tt_status query(tt_transport* t, tt_attr* attr) {
  const tt_attr full = {
      .size = attr->size,
      .thread_level = TT_THREAD_SERIAL,
      .caps =
          TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_LOSS_NOTICE | TT_CAP_RX_HOLD | TT_CAP_RX_FIRST,
      .wait_fd = t->epoll,
      .wait_flags = TT_WAIT_FD,
      .max_msg = GOODBYE - 1,
      .max_iov = SEGMENTS_MAX,
      .copy_max = UINT32_MAX, /* every send is copied */
      .borrow_min = UINT32_MAX,
  };
  memcpy(attr, &full, full.size < sizeof(full) ? full.size : sizeof(full));
  return TT_OK;
}

static tt_status conn_info(tt_transport* t, tt_conn* conn, tt_conn_info* info) {
  tt_conn_info full = {.size = info->size, .peer_pid = -1, .peer_uid = -1};
  (void)t;
  memcpy(full.peer_uri, conn->peer_uri, sizeof(conn->peer_uri));
  memcpy(info, &full, full.size < sizeof(full) ? full.size : sizeof(full));
  return TT_OK;
}

static void conn_set_user(tt_transport* t, tt_conn* conn, void* user) {
  (void)t;
  conn->user = user;
}

static void shut_down(tt_transport* t, uint32_t flags) {
  (void)flags;
  if (t->phase != PHASE_OPEN) return;
  t->phase = PHASE_CLOSING;
  for (tt_listener* at = t->listeners; at != NULL; at = at->next) seq_unlisten(t, at);
  for (tt_conn* at = t->conns; at != NULL; at = at->next) seq_conn_close(t, at, 0);
  t->host->wake(t->host); /* DOWN may be due already */
}

static bool down_is_due(const tt_transport* t) {
  return t->phase == PHASE_CLOSING && t->open_conns == 0 && t->with_work == 0;
}

static tt_status destroy(tt_transport* t) {
  if (t->phase != PHASE_DOWN || t->conns != NULL || t->lent > 0) return TT_E_BUSY;
  seq_delete_freed(t);
  seq_free_listeners(t);
  close(t->epoll);
  seq_give(t, t, sizeof(*t));
  return TT_OK;
}

/* Serves all deadlines up to `now_ns`; returns the first one after that, or 0. */
static uint64_t visit_deadlines(tt_transport* t, uint64_t now_ns) {
  uint64_t first = 0;
  for (tt_listener* at = t->listeners; at != NULL && t->deadlines > 0; at = at->next) {
    uint64_t deadline = at->source.deadline_ns;
    if (deadline != 0 && deadline <= now_ns) {
      seq_set_deadline(t, &at->source, 0);
      seq_watch(t, &at->source, EPOLL_CTL_MOD, EPOLLIN);
    } else if (deadline != 0 && (first == 0 || deadline < first)) {
      first = deadline;
    }
  }
  for (tt_conn* at = t->conns; at != NULL && t->deadlines > 0; at = at->next) {
    uint64_t deadline = at->source.deadline_ns;
    if (deadline != 0 && deadline <= now_ns) {
      seq_give_up(at);
    } else if (deadline != 0 && (first == 0 || deadline < first)) {
      first = deadline;
    }
  }
  return first;
}

static void find_ready(tt_transport* t) {
  struct epoll_event ready[64];
  const int count = epoll_wait(t->epoll, ready, 64, 0);
  for (int i = 0; i < count; ++i) seq_add_work(t, ready[i].data.ptr);
}

static int32_t progress(tt_transport* t, tt_event* events, uint32_t cap) {
  struct batch batch = {.events = events, .room = cap};
  t->host_may_sleep = false;
  seq_delete_freed(t);
  seq_free_listeners(t);
  if (t->deadlines > 0) visit_deadlines(t, t->host->now(t->host));
  find_ready(t);
  /* Each once: what has more to do goes to the end, for the next round, and nobody starves. */
  for (uint64_t left = t->with_work; left > 0 && t->with_work > 0; --left) {
    struct source* source = NULL;
    if (batch.size == batch.room) break;
    source = next_work(t);
    if (source->kind == SOURCE_LISTENER) {
      seq_drive_listener(t, (tt_listener*)source, &batch);
    } else {
      seq_drive_conn(t, (tt_conn*)source, &batch);
    }
  }
  if (down_is_due(t) && batch.size < batch.room) {
    seq_event(&batch, TT_EV_DOWN);
    t->phase = PHASE_DOWN;
  }
  return (int32_t)batch.size;
}

static tt_status arm(tt_transport* t, uint64_t* deadline_ns) {
  *deadline_ns = t->deadlines > 0 ? visit_deadlines(t, 0) : 0;
  t->host_may_sleep = t->with_work == 0 && !down_is_due(t);
  return t->host_may_sleep ? TT_OK : TT_E_BUSY;
}

static const tt_ops operations = {
    .size = sizeof(tt_ops),
    .open = open_transport,
    .query = query,
    .shutdown = shut_down,
    .destroy = destroy,
    .listen = seq_listen,
    .listener_uri = seq_listener_uri,
    .unlisten = seq_unlisten,
    .connect = seq_connect,
    .conn_set_user = conn_set_user,
    .conn_info = conn_info,
    .conn_close = seq_conn_close,
    .conn_free = seq_conn_free,
    .send = seq_send,
    .rx_release = seq_rx_release,
    .progress = progress,
    .arm = arm,
};

static const tt_scheme schemes[] = {{"seqpacket", TT_REACH_HOST, 0}};

TT_PLUGIN_DEFINE = {
    .magic = TT_MAGIC,
    .abi_major = TT_ABI_MAJOR,
    .abi_minor = TT_ABI_MINOR,
    .size = sizeof(tt_plugin),
    .layout = TT_LAYOUT,
    .min_host_minor = TT_ABI_MINOR,
    .name = "seqpacket",
    .version = "0.1.0",
    .vendor = "the Trestle authors",
    .schemes = schemes,
    .nschemes = 1,
    .ops = &operations,
};
