/* A plugin that transports nothing. Built once as it should be, and once per flaw (-DFLAW_...). */
#include <trestle/thin_transport.h>

#include <string.h>

#if !defined(FLAW_NO_SYMBOL)

#if defined(FLAW_UNDEFINED_SYMBOL)
tt_status fake_symbol_that_nobody_defines(tt_transport*);
#define DESTROY fake_symbol_that_nobody_defines
#else
static tt_status destroy(tt_transport* t) {
  (void)t;
  return TT_E_UNSUPPORTED;
}
#define DESTROY destroy
#endif

static tt_status open(const tt_host* h, const tt_open_params* p, tt_transport** out, tt_error* e) {
  (void)h, (void)p, (void)out, (void)e;
  return TT_E_UNSUPPORTED;
}
static tt_status query(tt_transport* t, tt_attr* a) {
  (void)t, (void)a;
  return TT_E_UNSUPPORTED;
}
static void shutdown(tt_transport* t, uint32_t flags) {
  (void)t, (void)flags;
}
static tt_status listen(tt_transport* t, const char* uri, void* user, tt_listener** out,
                        tt_error* e) {
  (void)t, (void)uri, (void)user, (void)out, (void)e;
  return TT_E_UNSUPPORTED;
}
static void unlisten(tt_transport* t, tt_listener* l) {
  (void)t, (void)l;
}
#if defined(FLAW_MISSING_SLOT)
#define LISTENER_URI NULL
#else
static tt_status listener_uri(tt_transport* t, tt_listener* l, char* buf, size_t* len) {
  (void)t, (void)l, (void)buf, (void)len;
  return TT_E_UNSUPPORTED;
}
#define LISTENER_URI listener_uri
#endif
static tt_status connect(tt_transport* t, const char* uri, void* user, tt_conn** out, tt_error* e) {
  (void)t, (void)uri, (void)user, (void)out, (void)e;
  return TT_E_UNSUPPORTED;
}
static void conn_set_user(tt_transport* t, tt_conn* c, void* user) {
  (void)t, (void)c, (void)user;
}
static tt_status conn_info(tt_transport* t, tt_conn* c, tt_conn_info* info) {
  (void)t, (void)c, (void)info;
  return TT_E_UNSUPPORTED;
}
static void conn_close(tt_transport* t, tt_conn* c, uint32_t flags) {
  (void)t, (void)c, (void)flags;
}
static void conn_free(tt_transport* t, tt_conn* c) {
  (void)t, (void)c;
}
static tt_status send(tt_transport* t, tt_conn* c, const tt_iov* iov, uint32_t n, uint32_t flags,
                      uint64_t op) {
  (void)t, (void)c, (void)iov, (void)n, (void)flags, (void)op;
  return TT_E_UNSUPPORTED;
}
static int32_t progress(tt_transport* t, tt_event* events, uint32_t cap) {
  (void)t, (void)events, (void)cap;
  return 0;
}
static tt_status arm(tt_transport* t, uint64_t* deadline_ns) {
  (void)t, (void)deadline_ns;
  return TT_OK;
}

/* How often the host called init, told through an extension. */
static int init_calls;

static tt_status init(tt_error* error) {
  (void)error;
  ++init_calls;
#if defined(FLAW_INIT_FAILS)
  strncpy(error->text, "the flux capacitor is cold", sizeof(error->text) - 1);
  return TT_E_UNSUPPORTED;
#else
  return TT_OK;
#endif
}

static const void* extension(const char* id) {
  return strcmp(id, "fake.init_calls/0") == 0 ? &init_calls : NULL;
}

static const tt_ops ops = {
#if defined(FLAW_SHORT_TABLE)
    .size = offsetof(tt_ops, arm),
#else
    .size = sizeof(tt_ops),
#endif
    .open = open,
    .query = query,
    .shutdown = shutdown,
    .destroy = DESTROY,
    .listen = listen,
    .listener_uri = LISTENER_URI,
    .unlisten = unlisten,
    .connect = connect,
    .conn_set_user = conn_set_user,
    .conn_info = conn_info,
    .conn_close = conn_close,
    .conn_free = conn_free,
    .send = send,
    .progress = progress,
    .arm = arm,
};

static const tt_scheme schemes[] = {
    {"fake", TT_REACH_PROCESS, 0},
    {"twin", TT_REACH_HOST, 0},
    {"family+*", TT_REACH_NETWORK, 0},
};

TT_PLUGIN_DEFINE = {
#if defined(FLAW_MAGIC)
    .magic = 0xdeadbeefu,
#else
    .magic = TT_MAGIC,
#endif
#if defined(FLAW_MAJOR)
    .abi_major = TT_ABI_MAJOR + 7,
#else
    .abi_major = TT_ABI_MAJOR,
#endif
    .abi_minor = TT_ABI_MINOR,
    .size = sizeof(tt_plugin),
#if defined(FLAW_LAYOUT)
    .layout = TT_LAYOUT + 1,
#else
    .layout = TT_LAYOUT,
#endif
#if defined(FLAW_NEWER_HOST)
    .min_host_minor = TT_ABI_MINOR + 3,
#else
    .min_host_minor = TT_ABI_MINOR,
#endif
    .name = "fake",
    .version = "1.2.3",
    .vendor = "tests",
    .schemes = schemes,
    .nschemes = sizeof(schemes) / sizeof(schemes[0]),
    .init = init,
    .ops = &ops,
    .extension = extension,
};

#endif
