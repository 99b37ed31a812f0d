// Typed payloads: C++ values to message bytes and back.
//
// What can travel, and as what:
//   bool, integers (not char), float, double   boolean, integer, floating
//   std::string; to encode, anything that converts to std::string_view         string
//   std::vector<std::byte>, std::array<std::byte, N>, Payload; to encode, spans  bytes
//   std::vector, std::deque, std::array, std::tuple; to encode, std::span      array
//   std::map, std::unordered_map with std::string keys                         map
//   struct with BOOST_DESCRIBE_STRUCT          map by member name (public members, bases too)
//   enum with BOOST_DESCRIBE_ENUM              string: the enumerator's name
//   std::optional<T>                           null or T
//   std::monostate                             null; so does an empty payload decode
//
// Rules of both codecs: unknown members are ignored; a missing member is an error unless it is a
// std::optional; the same key twice is an error (inside ignored members nobody looks); integers are
// range-checked and never made from floats, floats take integers; arrays and maps nest at most 32
// deep; bytes after the value are an error. MessagePack strings are passed on unchecked, JSON text
// must be UTF-8; JSON has no NaN and no infinity, and carries bytes as a base64 string.
#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <trestle/codec_id.hpp>
#include <trestle/detail/read_value.hpp>
#include <trestle/detail/write_value.hpp>
#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/payload.hpp>

namespace trestle {
namespace detail {

TRESTLE_EXPORT Result<Payload> encode_erased(Codec codec, const void* value,
                                             bool (*write)(Writer& writer, const void* value));
/// What went wrong, if anything did.
TRESTLE_EXPORT std::optional<Error> decode_erased(Codec codec, BytesView bytes, void* into,
                                                  bool (*read)(Reader& reader, void* into));

}  // namespace detail

/// The bytes of `value` in `codec`.
/// A Payload is copied as it is, whatever the codec: it holds encoded bytes already. Codec::bytes
/// takes text and bytes, and std::monostate as no bytes at all.
/// Errors: encode_failed (the text says where in the value and why).
/// Threads: any.
template <class T>
[[nodiscard]] Result<Payload> encode(Codec codec, const T& value) {
  if constexpr (std::same_as<T, Payload>) {
    return Payload::copy(value.view());
  } else {
    if (codec == Codec::bytes) {
      if constexpr (detail::RawBytes<T>) return Payload::copy(detail::raw_view(value));
      if constexpr (std::same_as<T, std::monostate>) return Payload();
    }
    return detail::encode_erased(codec, &value, [](detail::Writer& writer, const void* erased) {
      return detail::write_value(writer, *static_cast<const T*>(erased));
    });
  }
}

/// Passes encoded bytes on without a copy.
[[nodiscard]] inline Result<Payload> encode(Codec, Payload&& payload) {
  return std::move(payload);
}

/// The value that `bytes` hold in `codec`.
/// A Payload gets a copy of the bytes as they are. Codec::bytes gives text and bytes only. No bytes
/// at all count as null.
/// Errors: undecodable (the text says where and why: "member 'count': expected integer, got
/// string").
/// Threads: any.
template <class T>
[[nodiscard]] Result<T> decode(Codec codec, BytesView bytes) {
  static_assert(std::is_default_constructible_v<T>,
                "Trestle: a type to decode needs a default constructor");
  T value{};
  if constexpr (std::same_as<T, Payload>) {
    value = Payload::copy(bytes);
  } else {
    if constexpr (std::same_as<T, std::string>) {
      if (codec == Codec::bytes) return std::string(as_text(bytes));
    } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
      if (codec == Codec::bytes) return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
    auto error =
        detail::decode_erased(codec, bytes, &value, [](detail::Reader& reader, void* into) {
          return detail::read_value(reader, *static_cast<T*>(into));
        });
    if (error) return *std::move(error);
  }
  return Result<T>(boost::system::in_place_value, std::move(value));
}

/// Any value from one codec to another: MessagePack and JSON, in every combination. No bytes at all
/// count as null. Bytes become a base64 string in JSON and stay a string on the way back; map keys
/// must be strings.
/// Errors: undecodable (`bytes` are not valid in `from`), encode_failed (a value that `to` cannot
/// hold, such as NaN in JSON), invalid_argument (Codec::bytes, which has no structure).
/// Threads: any.
[[nodiscard]] TRESTLE_EXPORT Result<Payload> transcode(Codec from, Codec to, BytesView bytes);

}  // namespace trestle
