// Bytes as text of RFC 4648, section 4: with padding.
#pragma once

#include <trestle/payload.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

#include "codec/output_buffer.hpp"

namespace trestle::codec {

void append_base64(OutputBuffer& out, BytesView bytes);

/// Replaces `into` by the bytes that `text` stands for. False if `text` is not base64 with padding.
bool decode_base64(std::string_view text, std::vector<std::byte>& into);

}  // namespace trestle::codec
