// Turns what a handler answers into a reply's bytes.
#pragma once

#include <type_traits>
#include <utility>

#include <trestle/codec.hpp>
#include <trestle/encoded.hpp>
#include <trestle/headers.hpp>

namespace trestle::detail {

template <class T>
inline constexpr bool has_headers = false;
template <class T>
inline constexpr bool has_headers<WithHeaders<T>> = true;

/// A typed reply uses its request's codec, and MessagePack where the request was bare bytes.
template <class T>
Result<Encoded> write_reply(Codec codec, T value) {
  if constexpr (std::is_same_v<T, Payload>) {
    return Encoded{Codec::bytes, std::move(value)};
  } else if constexpr (std::is_same_v<T, Encoded>) {
    return value;
  } else if constexpr (has_headers<T>) {
    auto reply = write_reply(codec, std::move(value.value));
    if (reply.has_value()) reply->headers = std::move(value.headers);
    return reply;
  } else {
    if (codec == Codec::bytes) codec = Codec::msgpack;
    auto bytes = encode(codec, value);
    if (bytes.has_error()) return std::move(bytes).error();
    return Encoded{codec, std::move(*bytes)};
  }
}

}  // namespace trestle::detail
