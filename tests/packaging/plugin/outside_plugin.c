/* The smallest plugin in plain C: it loads, and refuses to be opened. */
#include <trestle/thin_transport.h>

#include <string.h>

static tt_status refuse_open(const tt_host* host, const tt_open_params* params, tt_transport** out,
                             tt_error* error) {
  static const char text[] = "outside: this transport only shows that plugins build";
  (void)host;
  (void)params;
  (void)out;
  if (error != NULL && error->size >= sizeof(*error)) memcpy(error->text, text, sizeof(text));
  return TT_E_UNSUPPORTED;
}

static const tt_ops operations = {.size = sizeof(tt_ops), .open = refuse_open};
static const tt_scheme schemes[] = {{"outside", TT_REACH_PROCESS, 0}};

TT_PLUGIN_DEFINE = {
    .magic = TT_MAGIC,
    .abi_major = TT_ABI_MAJOR,
    .abi_minor = TT_ABI_MINOR,
    .size = sizeof(tt_plugin),
    .layout = TT_LAYOUT,
    .name = "outside",
    .version = "0",
    .vendor = "nobody",
    .schemes = schemes,
    .nschemes = 1,
    .ops = &operations,
};
