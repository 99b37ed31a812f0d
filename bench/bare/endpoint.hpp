// Stream sockets by URI, and nothing around them.
#pragma once

#include "arguments.hpp"

#include <string>
#include <string_view>

namespace bare {

/// Says what failed, with the system's reason, and ends the program.
[[noreturn]] void fail(std::string_view what);

/// A listening socket at tcp://ADDRESS:PORT or unix://PATH; prints "listening URI" with the real
/// port.
int listen_at(const std::string& uri);

/// A connected socket.
int connect_to(const std::string& uri);

/// The next connection, with TCP_NODELAY where that exists.
int accept_from(int listener);

void set_non_blocking(int socket);

}  // namespace bare
