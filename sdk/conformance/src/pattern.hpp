// Bytes that can be recognised: what packet number N must contain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trestle::conformance {

/// `size` bytes that depend on `number`.
std::vector<std::byte> make_pattern(std::uint64_t number, std::size_t size);

/// True if `bytes` are what make_pattern gives for that number and their size.
bool is_pattern(std::uint64_t number, std::span<const std::byte> bytes);

}  // namespace trestle::conformance
