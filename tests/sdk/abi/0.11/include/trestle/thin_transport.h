/* ThinTransport: the C contract between Trestle and a transport plugin (C11 and C++20).
 *
 * This is draft 0.11 of what will be frozen as 1.0. The words behind each rule are in
 * docs/writing_a_transport.md; the rules that hold for the whole file:
 *
 *  R1  Plain C. Fixed-width integers, pointers and size_t only: no enum, bool, long or bit-field.
 *  R2  Every table that may grow starts with its own size; members are only ever appended.
 *      tt_iov, tt_kv, tt_scheme and tt_event are frozen and never grow.
 *  R3  A plugin links nothing of the host; all services arrive in tt_host. No exception crosses.
 *  R4  Threads of a plugin may call wake, log, now, alloc and dealloc, and nothing else.
 *  R5  There are no upcalls: all that a transport has to say comes back from progress().
 *  R6  A plugin is never unloaded.
 */
#ifndef TRESTLE_THIN_TRANSPORT_H
#define TRESTLE_THIN_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TT_ABI_MAJOR 0
#define TT_ABI_MINOR 11
#define TT_MAGIC 0x31505454u /* "TTP1" in memory on little-endian */

/* ---- Status ---------------------------------------------------------------------------------
 * 0 is success, positive values are kinds of success, negative ones are errors. A negative value
 * that the reader does not know means TT_E_FAILED. */
typedef int32_t tt_status;
#define TT_OK 0
#define TT_PENDING 1      /* accepted; exactly one SENT event with the same op follows */
#define TT_E_FAILED (-1)  /* anything without a code of its own */
#define TT_E_AGAIN (-2)   /* nothing was taken; one WRITABLE follows when a retry makes sense */
#define TT_E_INVALID (-3) /* the caller broke the contract */
#define TT_E_NOMEM (-4)
#define TT_E_UNSUPPORTED (-5)
#define TT_E_ADDR (-6) /* malformed URI, unknown or bad option */
#define TT_E_ADDRINUSE (-7)
#define TT_E_REFUSED (-8) /* nobody listens there */
#define TT_E_UNREACHABLE (-9)
#define TT_E_TIMEDOUT (-10)
#define TT_E_CLOSED (-11) /* closed by this side, or in good order by the other */
#define TT_E_RESET (-12)  /* the other side died or the link was lost; data may be lost */
#define TT_E_TOOBIG (-13)
#define TT_E_PROTOCOL (-14) /* the other side does not speak this transport's protocol */
#define TT_E_DENIED (-15)
#define TT_E_BUSY (-16) /* arm: call progress() instead of sleeping; destroy: still in use */
#define TT_E_VERSION (-17)

typedef struct tt_transport tt_transport; /* opaque; all four belong to the plugin */
typedef struct tt_conn tt_conn;
typedef struct tt_listener tt_listener;
typedef struct tt_rx tt_rx;

typedef struct tt_iov { /* layout of struct iovec */
  const void* base;
  size_t len;
} tt_iov;

typedef struct tt_kv {
  const char* key;
  const char* value;
} tt_kv;

/* Details of a failed cold call. The host allocates and sets size; the plugin fills up to size. */
typedef struct tt_error {
  uint32_t size;
  int32_t code;     /* tt_status */
  int32_t os_errno; /* errno, or 0 */
  int32_t native;   /* the underlying library's own code, or 0 */
  char text[240];   /* NUL-terminated: what failed, on what, why */
} tt_error;

/* ---- Events ---------------------------------------------------------------------------------
 * Per connection: exactly one of ACCEPTED or CONNECTED (neither if it never came up), then
 * PACKET, SENT and WRITABLE, then exactly one CLOSED, then nothing. */
#define TT_EV_ACCEPTED                                                                \
  1                       /* conn; aux = the listener's cookie. The host answers with \
                             conn_set_user(); no other event of conn is in the same batch. */
#define TT_EV_CONNECTED 2 /* conn is usable */
#define TT_EV_PACKET 3    /* one whole packet: data, len, rx */
#define TT_EV_SENT 4      /* op, status: the buffers of that send are the host's again */
#define TT_EV_WRITABLE 5  /* once after TT_E_AGAIN */
#define TT_EV_CLOSED 6    /* last event of conn; status = why; data = NUL-terminated text or NULL */
#define TT_EV_UNLISTENED 7 /* last event of a listener; user = the listener's; status = why */
#define TT_EV_DOWN 8       /* last event of a transport after shutdown() */

#define TT_EVF_SEGS 0x0001 /* PACKET: data is const tt_iov[len], valid as long as rx is held */

typedef struct tt_event { /* 64 bytes where pointers have 8; frozen */
  uint16_t kind;
  uint16_t flags;
  int32_t status;
  void* user; /* cookie of conn, or of the listener */
  tt_conn* conn;
  uint64_t op; /* SENT: the cookie given to send() */
  const void* data;
  size_t len;
  tt_rx* rx; /* PACKET: non-NULL is valid until rx_release(); NULL until next progress() */
  uint64_t aux;
} tt_event;

/* ---- What the host offers -------------------------------------------------------------------
 * One table per transport; it outlives the transport. */
#define TT_LOG_ERROR 1
#define TT_LOG_WARN 2
#define TT_LOG_INFO 3
#define TT_LOG_DEBUG 4

typedef struct tt_host {
  uint32_t size;
  uint16_t abi_major, abi_minor;
  void* ctx;
  void (*wake)(const struct tt_host*);    /* any thread; coalesces; never blocks */
  uint64_t (*now)(const struct tt_host*); /* monotonic nanoseconds; virtual in tests */
  void (*log)(const struct tt_host*, int32_t level, const char* text);
  void* (*alloc)(const struct tt_host*, size_t size, size_t align);
  void (*dealloc)(const struct tt_host*, void* p, size_t size, size_t align);
  const void* (*extension)(const struct tt_host*, const char* id); /* NULL if unknown */
} tt_host;

#define TT_OPEN_NO_THREADS 0x1 /* start no threads; TT_E_UNSUPPORTED if that is impossible */

typedef struct tt_open_params {
  uint32_t size;
  uint32_t flags;     /* TT_OPEN_* */
  const char* scheme; /* the one asked for, such as "ofi+tcp" */
  const tt_kv* kv;    /* options for the whole transport */
  size_t nkv;
  uint64_t rx_max_msg;   /* bytes; a larger announced packet ends the connection with TT_E_TOOBIG
                            before memory is committed */
  uint64_t tx_hwm_bytes; /* bytes queued per connection, beyond which send() says TT_E_AGAIN */
  uint64_t linger_ns;    /* bound for flushing in an orderly close or shutdown */
} tt_open_params;

/* ---- What a transport is -------------------------------------------------------------------- */
#define TT_THREAD_SERIAL 1u /* the host serialises every call on the transport */
#define TT_THREAD_MULTI 2u  /* all but progress, arm, shutdown and destroy may run concurrently */

#define TT_CAP_LISTEN (1ull << 0)
#define TT_CAP_CONNECT (1ull << 1)
#define TT_CAP_LOSS_NOTICE (1ull << 2) /* a silent peer's death is noticed without traffic */
#define TT_CAP_TX_BORROW (1ull << 3)   /* may answer TT_PENDING (zero-copy send) */
#define TT_CAP_RX_HOLD (1ull << 4)     /* hands out rx != NULL (zero-copy receive) */
#define TT_CAP_RX_PAUSE (1ull << 5)    /* conn_pause() works */
#define TT_CAP_REMOTE (1ull << 6)      /* reaches other hosts */
#define TT_CAP_ENCRYPTED (1ull << 7)
#define TT_CAP_OWN_THREADS (1ull << 8)    /* runs threads of its own */
#define TT_CAP_INTEGRITY (1ull << 9)      /* corrupted bytes never arrive as good */
#define TT_CAP_AUTHENTICATED (1ull << 10) /* only peers whose key was checked get a connection */

/* How the host may sleep; neither flag means poll-only. Always arm() first: TT_OK allows sleeping,
 * TT_E_BUSY means progress() again. After TT_OK every event that becomes available, also as a side
 * effect of another call on this transport, makes wait_fd readable or is announced by wake(). */
#define TT_WAIT_FD 0x1   /* wait_fd is valid */
#define TT_WAIT_WAKE 0x2 /* every event is announced by wake() */

typedef struct tt_attr {
  uint32_t size;
  uint32_t thread_level; /* TT_THREAD_* */
  uint64_t caps;         /* TT_CAP_* */
  int32_t wait_fd;       /* -1: none. The plugin's; the host only polls it for POLLIN */
  uint32_t wait_flags;   /* TT_WAIT_* */
  uint64_t max_msg;      /* bytes; 0: limited by rx_max_msg alone */
  uint32_t max_iov;      /* segments per send, at least 4 */
  uint32_t copy_max;     /* bytes; sends up to this never answer TT_PENDING */
  uint32_t borrow_min;   /* bytes; from here on lending the buffer pays */
  uint32_t rx_hold_max;  /* rx buffers the host may hold before reception stalls; 0: no bound */
} tt_attr;

typedef struct tt_conn_info {
  uint32_t size;
  uint32_t flags; /* 0 */
  char local_uri[256];
  char peer_uri[256];
  int64_t peer_pid; /* verified by the kernel, or -1 */
  int64_t peer_uid;
} tt_conn_info;

#define TT_SEND_COPY 0x1   /* do not borrow: the buffers are free when send() returns */
#define TT_SEND_MORE 0x2   /* another send follows at once; flush() ends the train */
#define TT_CLOSE_ABORT 0x1 /* drop queued data, do not linger */

/* ---- Operations ----------------------------------------------------------------------------- */
typedef struct tt_ops {
  uint32_t size;
  uint32_t reserved0;
  /* life cycle: open ... shutdown, progress until DOWN, destroy */
  tt_status (*open)(const tt_host*, const tt_open_params*, tt_transport** out, tt_error*);
  tt_status (*query)(tt_transport*, tt_attr*);
  void (*shutdown)(tt_transport*, uint32_t flags);
  tt_status (*destroy)(tt_transport*); /* TT_E_BUSY while a conn or rx lives; never blocks */
  /* addresses and connections */
  tt_status (*listen)(tt_transport*, const char* uri, void* user, tt_listener** out, tt_error*);
  tt_status (*listener_uri)(tt_transport*, tt_listener*, char* buf, size_t* len);
  void (*unlisten)(tt_transport*, tt_listener*);
  tt_status (*connect)(tt_transport*, const char* uri, void* user, tt_conn** out, tt_error*);
  void (*conn_set_user)(tt_transport*, tt_conn*, void* user);
  tt_status (*conn_info)(tt_transport*, tt_conn*, tt_conn_info*);
  void (*conn_close)(tt_transport*, tt_conn*, uint32_t flags);
  void (*conn_free)(tt_transport*, tt_conn*); /* only after CLOSED */
  /* data */
  tt_status (*send)(tt_transport*, tt_conn*, const tt_iov*, uint32_t n, uint32_t flags,
                    uint64_t op);
  tt_status (*flush)(tt_transport*);                       /* may be NULL */
  void (*rx_release)(tt_transport*, tt_rx*);               /* NULL iff no TT_CAP_RX_HOLD */
  void (*conn_pause)(tt_transport*, tt_conn*, int32_t on); /* NULL iff no TT_CAP_RX_PAUSE */
  /* driving: the only calls that one thread at a time, the leader, makes */
  int32_t (*progress)(tt_transport*, tt_event*, uint32_t cap); /* events written; arm() knows if
                                                                  there are more; <0 is fatal */
  tt_status (*arm)(tt_transport*, uint64_t* deadline_ns);      /* out: absolute, 0 for none */
  const void* (*extension)(tt_transport*, const char* id);     /* may be NULL */
} tt_ops;

/* Known before anything is opened: the host chooses by reach and knows no scheme by name. */
#define TT_REACH_PROCESS 1u
#define TT_REACH_HOST 2u
#define TT_REACH_NETWORK 3u

typedef struct tt_scheme { /* frozen */
  const char* name;        /* "tcp", or "ofi+*" for all of a family */
  uint32_t reach;          /* TT_REACH_* */
  uint32_t flags;          /* 0, or TT_SCHEME_WRAPS of ext/stack.h */
} tt_scheme;

typedef struct tt_plugin {
  uint32_t magic;
  uint16_t abi_major, abi_minor; /* of the header it was compiled against */
  uint32_t size;                 /* sizeof(tt_plugin) as the plugin sees it */
  uint32_t layout;               /* TT_LAYOUT: catches -fpack-struct and its like */
  uint16_t min_host_minor;       /* oldest host minor it works with */
  uint16_t reserved0;
  uint32_t reserved1;
  const char* name;
  const char* version;
  const char* vendor;
  const tt_scheme* schemes;
  uint32_t nschemes;
  uint32_t reserved2;
  tt_status (*init)(tt_error*); /* may be NULL; once per process, before the first open */
  const tt_ops* ops;
  const void* (*extension)(const char* id); /* may be NULL */
} tt_plugin;

#define TT_LAYOUT                                                                \
  ((uint32_t)(sizeof(tt_event) | (sizeof(tt_iov) << 8) | (sizeof(void*) << 16) | \
              (offsetof(tt_event, aux) << 20)))

/* True if the table behind tbl, as its maker saw it, has this member. */
#define TT_HAS(type, tbl, member) \
  ((tbl)->size >= offsetof(type, member) + sizeof(((type*)0)->member))

/* The one symbol that a plugin exports. */
#define TT_PLUGIN_DEFINE                                                      \
  __attribute__((visibility("default"))) extern const tt_plugin tt_plugin_v1; \
  const tt_plugin tt_plugin_v1

#ifdef __cplusplus
}
#endif
#endif /* TRESTLE_THIN_TRANSPORT_H */
