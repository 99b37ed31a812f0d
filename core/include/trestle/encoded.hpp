// A payload together with how it is encoded, for code that passes messages on unread.
#pragma once

#include <trestle/codec_id.hpp>
#include <trestle/headers.hpp>
#include <trestle/payload.hpp>

namespace trestle {

/// Message bytes, their codec, and the headers that travel with them. As a handler's parameter or
/// result, or as a call's argument or reply, it is passed through without decoding.
struct Encoded {
  Codec codec = Codec::bytes;  ///< of the payload
  Payload payload{};           ///< the bytes
  Headers headers{};           ///< as they came, or will be sent
};

}  // namespace trestle
