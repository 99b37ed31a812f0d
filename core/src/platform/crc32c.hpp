// CRC-32C over bytes, by the processor's own instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle::platform {

/// The Castagnoli checksum of some bytes that follow others, whose checksum is `before`; of
/// nothing it is 0. Source: RFC 3720, appendix B.4.
std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept;

/// The same by table, as on processors without the instruction: several times as slow.
std::uint32_t crc32c_by_table(std::uint32_t before, std::span<const std::byte> bytes) noexcept;

/// Whether this processor has the instruction.
bool has_crc32c_instruction() noexcept;

}  // namespace trestle::platform
