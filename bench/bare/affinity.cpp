// sched_getaffinity() and its counterpart.
#include "affinity.hpp"

#include "endpoint.hpp"

#include <pthread.h>
#include <sched.h>

namespace bare {
namespace {

cpu_set_t allowed_cpus() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) fail("sched_getaffinity");
  return allowed;
}

}  // namespace

void pin_to_cpu(int number) {
  static const cpu_set_t allowed = allowed_cpus();  // before any thread is pinned
  int left = number % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || left-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    return;
  }
}

}  // namespace bare
