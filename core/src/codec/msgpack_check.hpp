// Whether bytes are exactly one well-formed MessagePack value.
#pragma once

#include <trestle/payload.hpp>

#include <optional>
#include <string>

namespace trestle::codec {

/// What is wrong with `document`, if anything: truncated, an unknown tag, a count that the rest
/// cannot hold, arrays and maps nested too deep, bytes after the value. Does not look at strings.
/// Neither recurses nor allocates, unless to report.
std::optional<std::string> check_msgpack(BytesView document);

}  // namespace trestle::codec
