// Whether bytes are UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace trestle::codec {

/// The offset of the first byte that is not UTF-8 (RFC 3629: no overlong forms, no surrogates), or
/// text.size().
std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace trestle::codec
