// The loops of a load. Nothing in them allocates but what the calls themselves do.
#include "load_client.hpp"

#include "exit_code.hpp"

#include <trestle/async.hpp>

#include <algorithm>
#include <utility>

namespace trestle::tools {
namespace {

NodeOptions node_options(const Load& load) {
  NodeOptions options;
  options.workers = 1;
  options.spin = load.spin;
  // What goes wrong is counted and reported at the end.
  options.log = [](LogLevel, std::string_view) {};
  return options;
}

constexpr std::size_t large_message_bytes = 4096;

std::uint64_t messages_per_sample(const Load& load) noexcept {
  return load.mode == LoadMode::rtt || load.size >= large_message_bytes ? 1 : 16;
}

}  // namespace

std::chrono::nanoseconds warm_up_duration(const Load& load) noexcept {
  return std::min<std::chrono::nanoseconds>(load.duration / 10, std::chrono::seconds(1));
}

LoadClient::LoadClient(const Load& load)
    : load_(load),
      bytes_(load.size, std::byte{0x5a}),
      messages_per_sample_(tools::messages_per_sample(load)),
      node_(node_options(load)) {}

Result<void> LoadClient::connect(const std::string& uri) {
  auto peer = node_.connect(uri);
  if (peer.has_error()) return peer.error();
  peer_ = std::move(*peer);
  return {};
}

void LoadClient::warm_up() {
  run_for(warm_up_duration(load_));
  times_ = {};
  messages_ = 0;
}

void LoadClient::run() {
  run_for(load_.duration);
}

void LoadClient::run_for(std::chrono::nanoseconds duration) {
  if (is_lost_) return;
  deadline_ = Clock::now() + duration;
  if (load_.mode == LoadMode::rtt) return run_rtt();
  if (load_.mode == LoadMode::oneway) return run_oneway();
  run_pipe();
}

LoadClient::After LoadClient::count_error(const Error& error) {
  ++errors_;
  if (!first_error_) first_error_ = error;
  is_lost_ |= exit_code_of(error) == ExitCode::connection;
  return is_lost_ ? After::ends : After::goes_on;
}

Payload LoadClient::next_payload() const {
  if (load_.payload == Handing::copied) return Payload::copy(bytes_);
  // They outlive the node.
  return Payload::lend(
      bytes_, [](void*) noexcept {}, nullptr);
}

void LoadClient::run_rtt() {
  auto before = Clock::now();
  while (before < deadline_) {
    const auto reply = peer_.call<Payload>("echo", next_payload());
    const auto after = Clock::now();
    if (reply.has_value()) {
      ++messages_;
      times_.add(after - before);
    } else if (count_error(reply.error()) == After::ends) {
      return;
    }
    before = after;
  }
}

/// Hands over one message; waits while the queue has no room. False ends the run.
bool LoadClient::send_one() {
  const auto sent = peer_.send("sink", next_payload());
  if (sent.has_error()) return count_error(sent.error()) == After::goes_on;
  ++messages_;
  return true;
}

void LoadClient::run_oneway() {
  auto before = Clock::now();
  while (before < deadline_) {
    if (!send_one()) return;
    const auto after = Clock::now();
    times_.add(after - before);
    for (std::uint64_t i = 1; i < messages_per_sample_; ++i) {
      if (!send_one()) return;
    }
    before = messages_per_sample_ == 1 ? after : Clock::now();
  }
  // Behind all others on the same connection: its answer says that they have arrived.
  const auto last = peer_.call<Payload>("echo", Payload());
  if (last.has_error()) count_error(last.error());
}

/// From here until idle_ only completions touch the counts, one after the other.
void LoadClient::run_pipe() {
  is_over_ = false;
  started_ = 0;
  under_way_ = load_.outstanding;
  for (std::size_t i = 0; i < load_.outstanding; ++i) {
    peer_.async_call<Payload>(
        "echo", next_payload(),
        [this, start = Clock::now()](const Result<Payload>& reply) { on_reply(reply, start); });
  }
  idle_.acquire();
}

void LoadClient::start_call() {
  const auto start = is_sampled(started_++) ? Clock::now() : Clock::time_point{};
  peer_.async_call<Payload>("echo", next_payload(), [this, start](const Result<Payload>& reply) {
    on_reply(reply, start);
  });
}

void LoadClient::on_reply(const Result<Payload>& reply, Clock::time_point started) {
  if (reply.has_error()) {
    is_over_ |= count_error(reply.error()) == After::ends;
  } else {
    ++messages_;
  }
  if (started != Clock::time_point{}) {
    const auto now = Clock::now();
    if (reply.has_value()) times_.add(now - started);
    is_over_ |= now >= deadline_;
  }
  if (!is_over_) return start_call();
  if (--under_way_ == 0) idle_.release();
}

}  // namespace trestle::tools
