/* The table as C writes it. */
#include <stdlib.h>

#include "tables.h"

struct tt_transport {
  uint64_t bytes;
  uint64_t waiting;
};

static tt_status open_transport(const tt_host* host, const tt_open_params* params,
                                tt_transport** out, tt_error* error) {
  (void)host;
  (void)params;
  (void)error;
  *out = calloc(1, sizeof(**out));
  return *out == NULL ? TT_E_NOMEM : TT_OK;
}

static tt_status destroy(tt_transport* t) {
  free(t);
  return TT_OK;
}

static tt_status send_packet(tt_transport* t, tt_conn* conn, const tt_iov* segments, uint32_t count,
                             uint32_t flags, uint64_t op) {
  (void)conn;
  (void)flags;
  (void)op;
  if (count > 16) return TT_E_INVALID;
  for (uint32_t i = 0; i < count; ++i) t->bytes += segments[i].len;
  ++t->waiting;
  return TT_OK;
}

static int32_t progress(tt_transport* t, tt_event* events, uint32_t cap) {
  uint32_t count = 0;
  for (; count < cap && t->waiting > 0; ++count) {
    --t->waiting;
    events[count] = (tt_event){.kind = TT_EV_PACKET, .len = t->bytes};
  }
  return (int32_t)count;
}

static tt_status arm(tt_transport* t, uint64_t* deadline_ns) {
  *deadline_ns = 0;
  return t->waiting == 0 ? TT_OK : TT_E_BUSY;
}

static const tt_ops table = {
    .size = sizeof(tt_ops),
    .open = open_transport,
    .destroy = destroy,
    .send = send_packet,
    .progress = progress,
    .arm = arm,
};
const tt_ops* const bench_raw_table = &table;
