// Connecting to the one peer of a command.
#include "client.hpp"

#include <algorithm>

namespace trestle::tools {
namespace {

NodeOptions client_options(std::chrono::nanoseconds timeout) {
  NodeOptions options;
  options.workers = 1;
  options.close_timeout = timeout;
  // What goes wrong is the outcome of the command; a log of it would say it twice.
  options.log = [](LogLevel, std::string_view) {};
  return options;
}

}  // namespace

Client::Client(std::chrono::nanoseconds timeout)
    : deadline_(std::chrono::steady_clock::now() + timeout), node_(client_options(timeout)) {}

Result<Peer> Client::connect(const std::string& uri) {
  return node_.connect(uri, {.expect = {}, .timeout = time_left()});
}

std::chrono::nanoseconds Client::time_left() const {
  const auto left = deadline_ - std::chrono::steady_clock::now();
  return std::max<std::chrono::nanoseconds>(left, std::chrono::nanoseconds(1));
}

}  // namespace trestle::tools
