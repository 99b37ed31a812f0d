// The name and range of an integer type, for checks compiled once.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>

namespace trestle::detail {

/// What an integer must fit in.
struct IntegerType {
  std::string_view name;  ///< such as "uint8"
  std::int64_t min;
  std::uint64_t max;
};

template <std::integral T>
constexpr IntegerType integer_type() noexcept {
  constexpr std::array<std::string_view, 4> signed_names{"int8", "int16", "int32", "int64"};
  constexpr std::array<std::string_view, 4> unsigned_names{"uint8", "uint16", "uint32", "uint64"};
  constexpr auto index = static_cast<std::size_t>(std::countr_zero(sizeof(T)));
  return {std::signed_integral<T> ? signed_names[index] : unsigned_names[index],
          static_cast<std::int64_t>(std::numeric_limits<T>::min()),
          static_cast<std::uint64_t>(std::numeric_limits<T>::max())};
}

}  // namespace trestle::detail
