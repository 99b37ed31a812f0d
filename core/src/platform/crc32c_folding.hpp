// CRC-32C by multiplying without carries, for processors that do so in wide registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle::platform {

/// Bytes that are folded come in multiples of this many ...
inline constexpr std::size_t fold_step_bytes = 64;
/// ... and so many at least.
inline constexpr std::size_t fold_bytes_min = 256;

/// Whether this processor has what fold_by_512() and fold_by_256() need.
bool can_fold_by_512() noexcept;
bool can_fold_by_256() noexcept;

/// What a sum in progress becomes by `bytes`, of which there are a multiple of `fold_step_bytes`,
/// at least `fold_bytes_min`; in registers of 512 or 256 bits.
/// Source: Gopal and others, Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
/// Instruction, Intel, 2009.
std::uint32_t fold_by_512(std::uint32_t sum, std::span<const std::byte> bytes) noexcept;
std::uint32_t fold_by_256(std::uint32_t sum, std::span<const std::byte> bytes) noexcept;

}  // namespace trestle::platform
