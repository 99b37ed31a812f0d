/* tt.bulk/0: memory that the other side of a connection reads and writes by itself.
 *
 * A draft. One side offers a region and tells the other its range, in a packet or however it likes;
 * the other gets bytes out of it, or puts bytes into it, without a call on the side that offered.
 * Networks with remote direct memory access do that without a copy. Optional: hosts send packets
 * where a transport, or one of its connections, does not have it.
 *
 *  B1  A region belongs to one connection. It ends with withdraw(), or before CLOSED, whatever the
 *      reason: from then on the transport does not touch its memory, and its handle is invalid.
 *  B2  What is refused touches no memory: an unknown key, one that was withdrawn, a range outside
 *      of its region, an access that was not offered. The other side's network may end the
 *      connection for it; the operation then ends with it. Keys cannot be guessed where the plugin
 *      may choose them; whoever knows one may use it on any connection with the same transport.
 *  B3  Exactly one BULK event answers each get(), put() and retire() that returned TT_PENDING, and
 *      comes before CLOSED. Operations of one connection may end in any order.
 *  B4  The side that offered hears nothing of accesses. Where software serves them, one that is
 *      under way may still read the memory of a region that was withdrawn: withdraw() is for
 *      regions that the other side does not know of, or that it is trusted not to read. retire()
 *      says when no access touches the memory any more, whatever the other side does.
 *
 * Tables here start with their size and grow at the end, like those of thin_transport.h; but for
 * tt_bulk_range, which travels.
 */
#ifndef TRESTLE_EXT_BULK_H
#define TRESTLE_EXT_BULK_H

#include <trestle/thin_transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For tt_ops.extension(), which gives a const tt_bulk*, or NULL from a transport without it. */
#define TT_BULK_ID "tt.bulk/0"

/* The event that ends get(), put() and retire(): user, conn, op, status. After a get() that
 * succeeded data, len and rx are as in PACKET, but rx is never NULL. Only hosts that call them ever
 * see it. */
#define TT_EV_BULK 0x1000

#define TT_BULK_READ 0x1  /* the other side may get() */
#define TT_BULK_WRITE 0x2 /* the other side may put() */

typedef struct tt_bulk_region tt_bulk_region; /* opaque; the plugin's */

/* Some bytes in the memory of the side that offered them. A part of it is a range, too. */
typedef struct tt_bulk_range {
  uint64_t key;
  uint64_t address; /* as the network wants it; the n-th byte has address + n */
  uint64_t bytes;
} tt_bulk_range;

typedef struct tt_bulk_limits {
  uint32_t size;
  uint32_t operations_max; /* under way on a connection, beyond which there is TT_E_AGAIN */
  uint64_t bytes_max;      /* of one operation */
  uint64_t bytes_min;      /* from here on it may pay; the host may know better */
} tt_bulk_limits;

/* All under the rules of send(), between CONNECTED or ACCEPTED and CLOSED. */
typedef struct tt_bulk {
  uint32_t size;
  uint32_t reserved0;
  /* TT_E_UNSUPPORTED: not on this connection. The other end of it says the same. */
  tt_status (*limits)(tt_transport*, tt_conn*, tt_bulk_limits*);
  /* Opens `len` bytes, at least one, to the other side: access is TT_BULK_*. TT_E_NOMEM most often
   * means the limit of locked memory. */
  tt_status (*offer)(tt_transport*, tt_conn*, void* bytes, size_t len, uint32_t access,
                     tt_bulk_range* range, tt_bulk_region** out, tt_error*);
  void (*withdraw)(tt_transport*, tt_conn*, tt_bulk_region*);
  /* Reads a range of the other side into memory of the transport. TT_PENDING, or an error: after
   * TT_E_AGAIN try again when an operation of the connection has ended. */
  tt_status (*get)(tt_transport*, tt_conn*, const tt_bulk_range*, uint64_t op);
  /* Writes `len` bytes to the start of a range of the other side; they stay as they are until the
   * event, which may come before they arrived: packets that are sent after it arrive after them. */
  tt_status (*put)(tt_transport*, tt_conn*, const void* bytes, size_t len, const tt_bulk_range*,
                   uint64_t op);
  /* Withdraws a region that the other side may be reading: its handle is invalid from then on, and
   * it is open to no new access. TT_OK: the transport does not touch the memory any more.
   * TT_PENDING: it does not from the BULK event on, which has no data. No other answers. Absent in
   * older plugins. */
  tt_status (*retire)(tt_transport*, tt_conn*, tt_bulk_region*, uint64_t op);
} tt_bulk;

#ifdef __cplusplus
}
#endif

#endif
