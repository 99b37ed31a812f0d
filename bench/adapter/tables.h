/* A transport that does next to nothing, twice: as a table in C, and through the C++ adapter. */
#ifndef BENCH_ADAPTER_TABLES_H
#define BENCH_ADAPTER_TABLES_H

#include <trestle/thin_transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What both do: send counts bytes, progress gives one packet for each send, arm allows the sleep
 * when there is none. */
extern const tt_ops* const bench_raw_table;
extern const tt_ops* const bench_adapted_table;

#ifdef __cplusplus
}
#endif
#endif
