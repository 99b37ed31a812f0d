// Whether a thread that was busy for long had its CPU all that time.
#pragma once

#include <cstdint>

namespace trestle::platform {

/// How often the calling thread has lost its CPU to another one while it still wanted it. A system
/// call. Always 0 where the system does not count for each thread.
std::uint64_t preemptions() noexcept;

}  // namespace trestle::platform
