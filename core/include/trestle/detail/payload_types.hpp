// Which C++ types can travel as typed payloads, as concepts.
#pragma once

#include <array>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

#include <trestle/payload.hpp>

namespace trestle::detail {

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                  !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                  !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T>
concept DescribedStruct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <class T>
using HiddenMembers = boost::describe::describe_members<T, boost::describe::mod_private |
                                                               boost::describe::mod_protected |
                                                               boost::describe::mod_inherited>;
template <class T>
using DescribedMembers = boost::describe::describe_members<T, boost::describe::mod_public |
                                                                  boost::describe::mod_inherited>;

template <class T>
concept TextLike = !DescribedStruct<T> && std::convertible_to<const T&, std::string_view>;

template <class T>
concept BytesLike = !DescribedStruct<T> && std::ranges::contiguous_range<const T> &&
                    std::same_as<std::ranges::range_value_t<const T>, std::byte>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;

/// std::map, std::unordered_map and their like.
template <class T>
concept Associative = !DescribedStruct<T> && std::ranges::sized_range<const T> && requires {
  typename T::key_type;
  typename T::mapped_type;
};

template <class T>
concept StringKeyed = Associative<T> && std::same_as<typename T::key_type, std::string>;

/// std::vector, std::deque and their like.
template <class T>
concept Growing = !DescribedStruct<T> && !TextLike<T> && std::ranges::sized_range<const T> &&
                  requires(T & sequence, std::ranges::range_value_t<T> element) {
  sequence.push_back(std::move(element));
  sequence.clear();
};

/// Types that Codec::bytes carries as they are.
template <class T>
concept RawBytes = BytesLike<T> || TextLike<T>;

/// What an argument can be, as far as the type itself tells; its elements and members may still be
/// what cannot travel.
template <class T>
concept Encodable = Integer<T> || std::floating_point<T> || std::same_as<T, bool> ||
    std::same_as<T, std::monostate> || std::same_as<T, Payload> || DescribedEnum<T> ||
    DescribedStruct<T> || TextLike<T> || BytesLike<T> || Associative<T> || Growing<T> ||
    is_optional<T> || is_tuple<T> || is_array<T> || is_span<T>;

inline BytesView raw_view(BytesView bytes) noexcept {
  return bytes;
}
inline BytesView raw_view(std::string_view text) noexcept {
  return as_bytes(text);
}

/// Always false, but only once `T` is known.
template <class T>
inline constexpr bool unsupported = false;

}  // namespace trestle::detail

/// Ends the compilation with a text that says what to do.
#define TRESTLE_DETAIL_UNSUPPORTED(T)                                                          \
  static_assert(::trestle::detail::unsupported<T>,                                             \
                "Trestle: this type cannot travel as a typed payload. For a struct of your "   \
                "own write BOOST_DESCRIBE_STRUCT(Type, (Bases...), (members...)), for an "     \
                "enum BOOST_DESCRIBE_ENUM(Type, names...); trestle/codec.hpp lists the types " \
                "that need nothing.")
