/* tt.stack/1: a host's service to transports that carry their packets over another transport.
 *
 * A wrapper such as "pass" serves the schemes "pass+*": for pass+tcp://... it asks the host for the
 * transport of "tcp", drives it, and hands its events on. Rules in docs/thin_transport_abi.md.
 * Tables here start with their size and grow at the end, like those of thin_transport.h.
 */
#ifndef TRESTLE_EXT_STACK_H
#define TRESTLE_EXT_STACK_H

#include <trestle/thin_transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For tt_host.extension(), which gives a const tt_stack*, or NULL from a host without it. */
#define TT_STACK_ID "tt.stack/1"

/* In tt_scheme.flags of a family: what follows the first '+' is the scheme of the inner transport,
 * and the reach is that of the inner one. Hosts that do not know the flag go by tt_scheme.reach,
 * so say TT_REACH_NETWORK there. */
#define TT_SCHEME_WRAPS 0x1u

/* An inner transport. The wrapper drives it as a host does and destroys it before its own end. */
typedef struct tt_inner {
  uint32_t size;           /* set by the wrapper; the host fills up to it */
  uint32_t reach;          /* TT_REACH_* of the inner scheme */
  const tt_ops* ops;       /* for the life of the process */
  tt_transport* transport; /* opened */
} tt_inner;

typedef struct tt_stack {
  uint32_t size;
  uint32_t depth_max; /* transports on top of one another, with the innermost */
  /* Opens the transport of params->scheme. The first argument is the wrapper's own tt_host. The
   * inner one gets a table of its own with the same services: its wake() is the wrapper's.
   * Only during the wrapper's own open(). TT_E_ADDR: no such transport, or too deep. */
  tt_status (*open)(const tt_host*, const tt_open_params*, tt_inner*, tt_error*);
} tt_stack;

#ifdef __cplusplus
}
#endif
#endif /* TRESTLE_EXT_STACK_H */
