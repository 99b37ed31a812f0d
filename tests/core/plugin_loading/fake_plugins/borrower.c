/* A shared object that has no descriptor of its own, only a dependency with one. */
extern const int tt_plugin_v1[];

const void* borrowed_descriptor(void);

const void* borrowed_descriptor(void) {
  return tt_plugin_v1;
}
