// The argument of a call as the bytes that travel.
#pragma once

#include <type_traits>
#include <utility>

#include <trestle/codec.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>

namespace trestle::detail {

/// Bytes are copied as they are, everything else is encoded. Errors: those of encode().
template <class T>
Result<Encoded> encode_argument(Codec codec, const T& value) {
  if constexpr (std::is_same_v<T, Payload>) {
    return Encoded{Codec::bytes, Payload::copy(value.view())};
  } else if constexpr (std::is_same_v<T, Encoded>) {
    return Encoded{value.codec, Payload::copy(value.payload.view()), value.headers};
  } else {
    auto bytes = encode(codec, value);
    if (bytes.has_error()) return std::move(bytes).error();
    return Encoded{codec, std::move(*bytes)};
  }
}

}  // namespace trestle::detail
