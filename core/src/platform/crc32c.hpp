// CRC-32C over bytes, by the fastest way that the processor has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle::platform {

/// The Castagnoli checksum of some bytes that follow others, whose checksum is `before`; of
/// nothing it is 0. Source: RFC 3720, appendix B.4.
std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept;

/// How sums can be made: by table, by the processor's instruction for it, or by its instruction for
/// products without carries in registers of 256 or 512 bits.
enum class Crc32cWay : std::uint8_t { table, instruction, folding_256, folding_512 };

/// All of them; crc32c() takes the first that this processor has.
inline constexpr std::array crc32c_ways{Crc32cWay::folding_512, Crc32cWay::folding_256,
                                        Crc32cWay::instruction, Crc32cWay::table};

/// Whether this processor has what a way needs.
bool has_crc32c_way(Crc32cWay way) noexcept;

/// The same as crc32c(), in a way that this processor has.
std::uint32_t crc32c_by(Crc32cWay way, std::uint32_t before,
                        std::span<const std::byte> bytes) noexcept;

}  // namespace trestle::platform
