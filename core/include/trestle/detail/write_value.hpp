// Walks a C++ value and hands its parts to a Writer.
#pragma once

#include <boost/describe/enum_to_string.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <string>
#include <tuple>
#include <type_traits>

#include <trestle/detail/described_members.hpp>
#include <trestle/detail/payload_types.hpp>
#include <trestle/detail/writer.hpp>

namespace trestle::detail {

template <class T>
bool write_value(Writer& writer, const T& value);

template <DescribedEnum T>
bool write_enum(Writer& writer, T value) {
  const char* name = boost::describe::enum_to_string(value, nullptr);
  if (name != nullptr) return writer.text(name);
  return writer.failure().because("the enum value " +
                                  std::to_string(static_cast<std::underlying_type_t<T>>(value)) +
                                  " has no described name");
}

template <class T>
bool write_elements(Writer& writer, const T& values) {
  if (!writer.begin_array(std::size(values))) return false;
  std::size_t index = 0;
  for (const auto& value : values) {
    if (!write_value<std::ranges::range_value_t<T>>(writer, value)) {
      return writer.failure().in_element(index);
    }
    ++index;
  }
  return writer.end_array();
}

template <class... T>
bool write_tuple(Writer& writer, const std::tuple<T...>& values) {
  if (!writer.begin_array(sizeof...(T))) return false;
  std::size_t index = 0;
  const auto write_one = [&](const auto& value) {
    if (!write_value(writer, value)) return writer.failure().in_element(index);
    ++index;
    return true;
  };
  return std::apply([&](const T&... value) { return (write_one(value) && ...); }, values) &&
         writer.end_array();
}

template <class T>
bool write_pairs(Writer& writer, const T& pairs) {
  if (!writer.begin_map(std::size(pairs))) return false;
  for (const auto& [name, value] : pairs) {
    if (!writer.key(name) || !write_value(writer, value)) return writer.failure().in_member(name);
  }
  return writer.end_map();
}

template <DescribedStruct T>
bool write_described(Writer& writer, const T& value) {
  static_assert(boost::mp11::mp_empty<HiddenMembers<T>>::value,
                "Trestle: this type describes private or protected members, which would be left "
                "out: describe them as public, or send a struct made for the purpose");
  static constexpr auto table = []<class... D>(boost::mp11::mp_list<D...>) {
    static_assert(sizeof...(D) <= members_max, "Trestle: a payload struct has too many members");
    return std::array<MemberWriter, sizeof...(D)>{
        MemberWriter{D::name, [](Writer& to, const void* object) {
                       return write_value(to, static_cast<const T*>(object)->*D::pointer);
                     }}...};
  }(boost::mp11::mp_rename<DescribedMembers<T>, boost::mp11::mp_list>{});
  return write_members(writer, &value, table);
}

template <class T>
bool write_value(Writer& writer, const T& value) {
  if constexpr (std::same_as<T, std::monostate>) {
    return writer.null();
  } else if constexpr (std::same_as<T, bool>) {
    return writer.boolean(value);
  } else if constexpr (Integer<T> && std::signed_integral<T>) {
    return writer.signed_integer(value);
  } else if constexpr (Integer<T>) {
    return writer.unsigned_integer(value);
  } else if constexpr (std::same_as<T, float>) {
    return writer.single_float(value);
  } else if constexpr (std::same_as<T, double>) {
    return writer.double_float(value);
  } else if constexpr (DescribedEnum<T>) {
    return write_enum(writer, value);
  } else if constexpr (DescribedStruct<T>) {
    return write_described(writer, value);
  } else if constexpr (TextLike<T>) {
    return writer.text(value);
  } else if constexpr (std::same_as<T, Payload>) {
    return writer.bytes(value.view());
  } else if constexpr (BytesLike<T>) {
    return writer.bytes(value);
  } else if constexpr (is_optional<T>) {
    return value.has_value() ? write_value(writer, *value) : writer.null();
  } else if constexpr (is_tuple<T>) {
    return write_tuple(writer, value);
  } else if constexpr (StringKeyed<T>) {
    return write_pairs(writer, value);
  } else if constexpr (Associative<T>) {
    static_assert(unsupported<T>, "Trestle: the keys of a payload map must be std::string");
  } else if constexpr (Growing<T> || is_array<T> || is_span<T>) {
    return write_elements(writer, value);
  } else {
    TRESTLE_DETAIL_UNSUPPORTED(T);
  }
}

}  // namespace trestle::detail
