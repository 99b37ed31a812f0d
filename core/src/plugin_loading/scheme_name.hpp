// From the scheme of a URI to the name of the file that implements it.
#pragma once

#include <trestle/error.hpp>

#include <string>
#include <string_view>

namespace trestle::plugin_loading {

/// "zmq+tcp" -> "trestle_zmq.so". URIs can come from peers, so nothing but a well-formed scheme
/// (`[a-z][a-z0-9]*`, then `+[a-z0-9]+` any number of times, 64 bytes in all) ever becomes part of
/// a path. Errors: Errc::bad_endpoint.
Result<std::string> plugin_file_name(std::string_view scheme);

/// What a wrapper wraps: "tcp" of "pass+tcp"; empty without a '+'.
std::string_view inner_scheme(std::string_view scheme) noexcept;

/// Whether a scheme that a plugin declares covers the one asked for: equal, or a family such as
/// "ofi+*", which covers "ofi+tcp" but not "ofi".
bool covers(std::string_view declared, std::string_view scheme) noexcept;

}  // namespace trestle::plugin_loading
