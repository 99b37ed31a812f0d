// Asking the kernel.
#include "platform/preemption.hpp"

#include <sys/resource.h>

namespace trestle::platform {

std::uint64_t preemptions() noexcept {
#ifdef RUSAGE_THREAD
  rusage used{};
  if (::getrusage(RUSAGE_THREAD, &used) == 0) return static_cast<std::uint64_t>(used.ru_nivcsw);
#endif
  return 0;
}

}  // namespace trestle::platform
