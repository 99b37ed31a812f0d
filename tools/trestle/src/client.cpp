// Connecting to the one peer of a command.
#include "client.hpp"

#include "duration_option.hpp"

#include <trestle/async.hpp>

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

namespace trestle::tools {
namespace {

// What saying goodbye may take beyond the deadline.
constexpr std::chrono::nanoseconds goodbye_time = std::chrono::milliseconds(100);

// Between two attempts to reach who does not listen yet.
constexpr std::chrono::nanoseconds redial_delay = std::chrono::milliseconds(50);

bool may_come_still(const Error& error) {
  return error.is(Errc::connect_refused) || error.is(Errc::unreachable);
}

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
    : timeout_(timeout),
      deadline_(std::chrono::steady_clock::now() + timeout),
      node_(std::make_unique<Node>(client_options(timeout))) {}

Client::~Client() {
  static_cast<void>(close());
}

Result<Peer> Client::connect(const std::string& uri) {
  return node_->connect(uri, {.expect = {}, .timeout = time_left()});
}

Result<Peer> Client::connect_once_there(const std::string& uri) {
  while (true) {
    auto peer = connect(uri);
    if (peer.has_value() || !may_come_still(peer.error())) return peer;
    if (time_left() <= redial_delay) return peer;
    std::this_thread::sleep_for(redial_delay);
  }
}

Result<void> Client::close() {
  if (node_ == nullptr) return {};
  const auto closing = std::make_shared<std::promise<Result<void>>>();
  node_->async_close([closing](Result<void> outcome) { closing->set_value(std::move(outcome)); });
  auto closed = closing->get_future();
  if (closed.wait_for(std::max(time_left(), goodbye_time)) == std::future_status::ready) {
    node_.reset();
    return closed.get();
  }
  // The process ends in a moment, and what is closing still ends with it. Kept where leaks are
  // looked for.
  [[maybe_unused]] static Node* left_alone = nullptr;
  left_alone = node_.release();
  return Error(Errc::deadline_exceeded,
               "the peer did not take all that was sent within " + to_text(timeout_), Ran::maybe);
}

std::chrono::nanoseconds Client::time_left() const {
  const auto left = deadline_ - std::chrono::steady_clock::now();
  return std::max<std::chrono::nanoseconds>(left, std::chrono::nanoseconds(1));
}

}  // namespace trestle::tools
