/* A plugin that ends its process by a signal as soon as it is loaded. */
#include <signal.h>
#include <unistd.h>

__attribute__((constructor)) static void crash(void) {
  kill(getpid(), SIGKILL);
}
