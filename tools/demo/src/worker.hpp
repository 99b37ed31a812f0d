// A worker: a node that counts words.
#pragma once

#include <trestle/node.hpp>

#include <string>

namespace trestle::demo {

inline constexpr const char* handler_name = "wordcount";

/// Lets `node` count words for others who connect to `uri`; gives the real URI.
Result<std::string> serve_words(Node& node, const std::string& uri);

/// What a worker process does: serves at `uri`, prints the real URI, and ends when its standard
/// input does, so that it never outlives the leader. Returns the exit code.
int run_worker(const std::string& uri);

}  // namespace trestle::demo
