// JSON text rewritten as MessagePack, so that one reader serves both.
#pragma once

#include <trestle/error.hpp>
#include <trestle/payload.hpp>

namespace trestle::codec {

/// The same value as MessagePack, in a form that check_msgpack accepts (headers are wide, so it is
/// for reading here, not for the wire). Duplicate keys are kept for the reader to see.
/// Errors: undecodable (not JSON, not UTF-8, nested too deep, a number beyond double).
Result<Payload> json_to_msgpack(BytesView text);

}  // namespace trestle::codec
