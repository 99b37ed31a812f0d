// Names of the types that travel, equal for all compilers, for contracts of handlers.
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <variant>

#include <trestle/detail/payload_types.hpp>
#include <trestle/encoded.hpp>
#include <trestle/export.hpp>
#include <trestle/headers.hpp>

namespace trestle {

/// Specialise it to give a type of your own another name than its qualified one:
/// `template <> struct TypeName<Sum> { static std::string get() { return "shop.Sum"; } };`
template <class T>
struct TypeName;

/// What contracts call `T`: "bytes" (Payload, Encoded, and what travels as bytes), "string",
/// "bool", "int64" and its like, "float64", "array<T>", "map<K,V>", "tuple<T,U>", "optional<T>",
/// "null" (std::monostate), nothing for void; for structs and enums their qualified name, without
/// unnamed namespaces. Longer ones than 255 bytes are cut, and end with a number that tells them
/// apart. Threads: any.
template <class T>
const std::string& type_name();

/// @cond
namespace detail {

/// The qualified name of a class or enum, without the arguments of a template.
TRESTLE_EXPORT std::string qualified_name(const std::type_info& type);
/// At most as long as names of types may be.
TRESTLE_EXPORT std::string bounded_type_name(std::string name);

template <class... T>
std::string type_names() {
  std::string names;
  ((names += (names.empty() ? "" : ",") + TypeName<T>::get()), ...);
  return names;
}

/// A template's name is followed by those of its arguments, so that they do not depend on how a
/// library spells its own.
template <class T>
struct OwnName {
  static std::string get() { return qualified_name(typeid(T)); }
};
template <template <class...> class Template, class... T>
struct OwnName<Template<T...>> {
  static std::string get() {
    return qualified_name(typeid(Template<T...>)) + '<' + type_names<T...>() + '>';
  }
};

template <class T>
struct TupleName;
template <class... T>
struct TupleName<std::tuple<T...>> {
  static std::string get() { return "tuple<" + type_names<T...>() + '>'; }
};

template <class T>
std::string built_in_name() {
  if constexpr (std::is_void_v<T>) {
    return {};
  } else if constexpr (std::is_same_v<T, Payload> || std::is_same_v<T, Encoded> || BytesLike<T>) {
    return "bytes";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (Integer<T>) {
    return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
  } else if constexpr (std::is_floating_point_v<T>) {
    return "float" + std::to_string(8 * sizeof(T));
  } else if constexpr (TextLike<T>) {
    return "string";
  } else if constexpr (is_optional<T>) {
    return "optional<" + TypeName<typename T::value_type>::get() + '>';
  } else if constexpr (is_tuple<T>) {
    return TupleName<T>::get();
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    return "null";
  } else if constexpr (Associative<T>) {
    return "map<" + type_names<typename T::key_type, typename T::mapped_type>() + '>';
  } else if constexpr (is_array<T> || is_span<T> || Growing<T>) {
    return "array<" + TypeName<std::remove_cv_t<typename T::value_type>>::get() + '>';
  } else {
    return OwnName<T>::get();
  }
}

}  // namespace detail
/// @endcond

template <class T>
struct TypeName {
  /// The name, of any length.
  static std::string get() { return detail::built_in_name<T>(); }
};
/// The headers of a reply are no part of its type.
template <class T>
struct TypeName<WithHeaders<T>> : TypeName<T> {};

template <class T>
const std::string& type_name() {
  static const std::string name = detail::bounded_type_name(TypeName<T>::get());
  return name;
}

}  // namespace trestle
