// Which host, and which network namespace of it, this process runs in.
#pragma once

#include <array>
#include <cstdint>

namespace trestle::platform {

/// Equal for two processes exactly if they share a kernel since its boot and a network namespace.
/// All zero where that cannot be found out. Read once.
const std::array<std::uint8_t, 16>& host_identity();

}  // namespace trestle::platform
