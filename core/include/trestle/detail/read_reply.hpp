// The outcome of a call as what its caller asked for.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include <trestle/codec.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/headers.hpp>

namespace trestle::detail {

/// Stands for the codec of a reply that never was one: the handler ended well and gave nothing.
/// Never travels, and never leaves read_reply().
inline constexpr Codec acknowledged{0xFF};

template <class T>
inline constexpr bool is_with_headers = false;
template <class T>
inline constexpr bool is_with_headers<WithHeaders<T>> = true;

inline Error bad_reply(const Error& error) {
  return Error(Errc::bad_reply, "cannot decode the reply: " + error.text, Ran::yes);
}

inline Result<void> read_no_reply(const Encoded& reply) {
  if (reply.codec == acknowledged || reply.payload.empty()) return {};
  const auto nothing = decode<std::monostate>(reply.codec, reply.payload.view());
  if (nothing.has_error()) return bad_reply(nothing.error());
  return {};
}

/// Errors: those of the call; no_reply (the handler gave no value, and R is not void), bad_reply.
template <class R>
Result<R> read_reply(Result<Encoded>&& reply) {
  if (reply.has_error()) return std::move(reply).error();
  if constexpr (std::is_void_v<R>) {
    return read_no_reply(*reply);
  } else if constexpr (is_with_headers<R>) {
    Headers headers = std::move(reply->headers);
    auto value = read_reply<decltype(R::value)>(std::move(reply));
    if (value.has_error()) return std::move(value).error();
    return R{std::move(*value), std::move(headers)};
  } else {
    if (reply->codec == acknowledged) {
      return Error(Errc::no_reply, "handler returned no response", Ran::yes);
    }
    if constexpr (std::is_same_v<R, Encoded>) {
      return std::move(*reply);
    } else if constexpr (std::is_same_v<R, Payload>) {
      return std::move(reply->payload);
    } else {
      auto value = decode<R>(reply->codec, reply->payload.view());
      if (value.has_error()) return bad_reply(value.error());
      return value;
    }
  }
}

}  // namespace trestle::detail
