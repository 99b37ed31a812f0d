// Fills a C++ value from a Reader.
#pragma once

#include <algorithm>
#include <boost/describe/enum_from_string.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>

#include <trestle/detail/described_members.hpp>
#include <trestle/detail/payload_types.hpp>
#include <trestle/detail/reader.hpp>

namespace trestle::detail {

template <class T>
bool read_value(Reader& reader, T& into);

/// Stores what a read gave, if it gave anything.
template <class T, class V>
bool store(T& into, const std::optional<V>& value) {
  if (value) into = static_cast<T>(*value);
  return value.has_value();
}

template <Integer T>
bool read_integer(Reader& reader, T& into) {
  if constexpr (std::signed_integral<T>) {
    return store(into, reader.read_signed(integer_type<T>()));
  } else {
    return store(into, reader.read_unsigned(integer_type<T>()));
  }
}

template <DescribedEnum T>
bool read_enum(Reader& reader, T& into) {
  static constexpr auto names = []<class... D>(boost::mp11::mp_list<D...>) {
    return std::array<std::string_view, sizeof...(D)>{D::name...};
  }(boost::mp11::mp_rename<boost::describe::describe_enumerators<T>, boost::mp11::mp_list>{});
  static constexpr auto values = []<class... D>(boost::mp11::mp_list<D...>) {
    return std::array<T, sizeof...(D)>{D::value...};
  }(boost::mp11::mp_rename<boost::describe::describe_enumerators<T>, boost::mp11::mp_list>{});
  const auto text = reader.read_text();
  if (!text) return false;
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found == names.end()) return fail_with_names(reader.failure(), *text, names);
  into = values[static_cast<std::size_t>(found - names.begin())];
  return true;
}

inline bool wrong_count(Reader& reader, std::size_t wanted, std::size_t found) {
  return reader.failure().because("expected " + std::to_string(wanted) + " elements, got " +
                                  std::to_string(found));
}

template <class T>
bool read_bytes(Reader& reader, T& into) {
  const auto bytes = reader.read_bytes();
  if (!bytes) return false;
  if constexpr (std::same_as<T, Payload>) {
    into = Payload::copy(*bytes);
  } else if constexpr (is_array<T>) {
    if (bytes->size() != into.size()) {
      return reader.failure().because("expected " + std::to_string(into.size()) + " bytes, got " +
                                      std::to_string(bytes->size()));
    }
    std::ranges::copy(*bytes, into.begin());
  } else {
    into.assign(bytes->begin(), bytes->end());
  }
  return true;
}

template <class T>
bool read_growing(Reader& reader, T& into) {
  using Element = std::ranges::range_value_t<T>;
  const auto count = reader.begin_array();
  if (!count) return false;
  into.clear();
  // The count is backed by at least one byte each, but one byte may become a large element.
  if constexpr (requires { into.reserve(*count); }) {
    into.reserve(std::min(*count, std::size_t{64 * 1024} / sizeof(Element) + 1));
  }
  for (std::size_t index = 0; index < *count; ++index) {
    Element element{};
    if (!read_value(reader, element)) return reader.failure().in_element(index);
    into.push_back(std::move(element));
  }
  return true;
}

template <class T, std::size_t N>
bool read_array(Reader& reader, std::array<T, N>& into) {
  const auto count = reader.begin_array();
  if (!count) return false;
  if (*count != N) return wrong_count(reader, N, *count);
  for (std::size_t index = 0; index < N; ++index) {
    if (!read_value(reader, into[index])) return reader.failure().in_element(index);
  }
  return true;
}

template <class... T>
bool read_tuple(Reader& reader, std::tuple<T...>& into) {
  const auto count = reader.begin_array();
  if (!count) return false;
  if (*count != sizeof...(T)) return wrong_count(reader, sizeof...(T), *count);
  std::size_t index = 0;
  const auto read_one = [&](auto& value) {
    if (!read_value(reader, value)) return reader.failure().in_element(index);
    ++index;
    return true;
  };
  return std::apply([&](T&... value) { return (read_one(value) && ...); }, into);
}

template <StringKeyed T>
bool read_pairs(Reader& reader, T& into) {
  const auto count = reader.begin_map();
  if (!count) return false;
  into.clear();
  for (std::size_t index = 0; index < *count; ++index) {
    const auto key = reader.read_key();
    if (!key) return false;
    const auto [place, is_new] = into.try_emplace(std::string(*key));
    if (!is_new) return reader.failure().because("key " + detail::quoted(*key) + " appears twice");
    if (!read_value(reader, place->second)) return reader.failure().in_member(*key);
  }
  return true;
}

template <DescribedStruct T>
bool read_described(Reader& reader, T& into) {
  static_assert(boost::mp11::mp_empty<HiddenMembers<T>>::value,
                "Trestle: this type describes private or protected members, which would be left "
                "out: describe them as public, or send a struct made for the purpose");
  static constexpr auto table = []<class... D>(boost::mp11::mp_list<D...>) {
    static_assert(sizeof...(D) <= members_max, "Trestle: a payload struct has too many members");
    return std::array<MemberReader, sizeof...(D)>{
        MemberReader{D::name,
                     is_optional<std::remove_cvref_t<decltype(std::declval<T&>().*D::pointer)>>
                         ? Presence::optional
                         : Presence::required,
                     [](Reader& from, void* object) {
                       return read_value(from, static_cast<T*>(object)->*D::pointer);
                     }}...};
  }(boost::mp11::mp_rename<DescribedMembers<T>, boost::mp11::mp_list>{});
  return read_members(reader, &into, table);
}

template <class T>
bool read_value(Reader& reader, T& into) {
  if constexpr (std::same_as<T, std::monostate>) {
    return reader.read_null();
  } else if constexpr (std::same_as<T, bool>) {
    return store(into, reader.read_boolean());
  } else if constexpr (Integer<T>) {
    return read_integer(reader, into);
  } else if constexpr (std::same_as<T, float>) {
    return store(into, reader.read_float());
  } else if constexpr (std::same_as<T, double>) {
    return store(into, reader.read_double());
  } else if constexpr (DescribedEnum<T>) {
    return read_enum(reader, into);
  } else if constexpr (DescribedStruct<T>) {
    return read_described(reader, into);
  } else if constexpr (std::same_as<T, std::string>) {
    return store(into, reader.read_text());
  } else if constexpr (TextLike<T> || is_span<T>) {
    static_assert(unsupported<T>,
                  "Trestle: a view would outlive the bytes that it was decoded "
                  "from; take std::string or std::vector");
  } else if constexpr (std::same_as<T, Payload> || BytesLike<T>) {
    return read_bytes(reader, into);
  } else if constexpr (is_optional<T>) {
    into.reset();
    return reader.take_null() || read_value(reader, into.emplace());
  } else if constexpr (is_tuple<T>) {
    return read_tuple(reader, into);
  } else if constexpr (StringKeyed<T>) {
    return read_pairs(reader, into);
  } else if constexpr (Associative<T>) {
    static_assert(unsupported<T>, "Trestle: the keys of a payload map must be std::string");
  } else if constexpr (Growing<T>) {
    return read_growing(reader, into);
  } else if constexpr (is_array<T>) {
    return read_array(reader, into);
  } else {
    TRESTLE_DETAIL_UNSUPPORTED(T);
  }
}

}  // namespace trestle::detail
