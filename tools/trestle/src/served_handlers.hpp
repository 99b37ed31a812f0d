// The handlers of `trestle serve`.
#pragma once

#include <trestle/handler.hpp>

#include <vector>

namespace trestle::tools {

/// echo, sink, sleep and wordcount.
std::vector<Handler> served_handlers();

}  // namespace trestle::tools
