/* tt.report/0: what a plugin finds on this machine, said by the plugin itself.
 *
 * For transports whose library decides at run time where it can go: which devices and providers
 * there are, which of them can be used, and why others cannot. Nothing is opened for it.
 * Tables here start with their size and grow at the end, like those of thin_transport.h.
 */
#ifndef TRESTLE_EXT_REPORT_H
#define TRESTLE_EXT_REPORT_H

#include <trestle/thin_transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For tt_plugin.extension(), which gives a const tt_report*, or NULL from a plugin without one. */
#define TT_REPORT_ID "tt.report/0"

typedef struct tt_report {
  uint32_t size;
  uint32_t reserved0;
  /* Writes JSON, with a NUL behind it, and its length with that into *len, as listener_uri() does;
   * TT_E_TOOBIG: *len is what is needed. May be called before init() and at any time, by one thread
   * at a time. An array of objects, one for each thing found or missed:
   *   name    what the library calls it
   *   uri     how a URI to it begins, such as "ofi+tcp://"; empty if it cannot be used
   *   reason  why it cannot be used, as a sentence; empty if it can
   *   places  where it leads: an array of texts */
  tt_status (*json)(char* buf, size_t* len);
} tt_report;

#ifdef __cplusplus
}
#endif
#endif /* TRESTLE_EXT_REPORT_H */
