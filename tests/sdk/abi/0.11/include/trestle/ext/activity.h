/* tt.activity/1: a transport's service to hosts that want to know whether a peer is still there.
 *
 * A large packet may be on its way for longer than a peer may be silent, and PACKET comes at its
 * end. A host that asks for this sees that bytes arrive. Optional: without it only whole packets
 * are signs of life. Tables here start with their size and grow at the end, like those of
 * thin_transport.h.
 */
#ifndef TRESTLE_EXT_ACTIVITY_H
#define TRESTLE_EXT_ACTIVITY_H

#include <trestle/thin_transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For tt_ops.extension(), which gives a const tt_activity*, or NULL from a transport without it. */
#define TT_ACTIVITY_ID "tt.activity/1"

typedef struct tt_activity {
  uint32_t size;
  uint32_t reserved0;
  /* All bytes that came on the connection so far, also of packets that are not complete. Under the
   * rules of conn_info(), until conn_free(). */
  uint64_t (*bytes_received)(tt_transport*, tt_conn*);
} tt_activity;

#ifdef __cplusplus
}
#endif

#endif
