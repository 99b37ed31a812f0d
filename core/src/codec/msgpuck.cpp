// The one copy of msgpuck's tables and out-of-line functions; its static library is not
// position-independent, so it is compiled here instead of linked.
#define MP_SOURCE 1
#include <msgpuck.h>
