// Serving while somebody makes trouble.
#include "siege.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "platform/sanitizers.hpp"

namespace trestle::hostile {
namespace {

/// With sanitizers one turn of a flood may take longer than peers are silent otherwise.
NodeOptions patient(NodeOptions options = {}) {
  if (platform::sanitized) options.dead_after = 60s;
  return options;
}

NodeOptions with_log(NodeOptions options, LogFunction log) {
  options.log = std::move(log);
  return patient(std::move(options));
}

}  // namespace

bool is_long() {
  return std::getenv("TRESTLE_HOSTILE_LONG") != nullptr;
}

int times(int usually, int in_long) {
  return is_long() ? in_long : usually;
}

std::size_t descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

double heap_bytes() {
  const auto in_use = ::mallinfo2();
  return static_cast<double>(in_use.uordblks + in_use.hblkhd);
}

Bystander::Bystander(const std::string& uri)
    : node_(patient()),
      server_(node_.connect(uri).value()),
      thread_([this] { call_until_stopped(); }) {}

void Bystander::call_until_stopped() {
  // Sanitizers make a flood's work many times as long.
  const Peer server = server_.with_timeout(platform::sanitized ? 10s : 1s);
  while (!stopping_.load(std::memory_order_relaxed)) {
    const auto began = std::chrono::steady_clock::now();
    const auto reply = server.call<int>("echo", 7);
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
    calls_.store(++service_.calls, std::memory_order_relaxed);
    service_.served += reply.has_value() ? 1 : 0;
    service_.longest = std::max(service_.longest, took);
  }
}

Bystander::Service Bystander::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  return service_;
}

Siege::Siege(NodeOptions options)
    : server_(with_log(std::move(options),
                       [this](LogLevel, std::string_view line) {
                         const std::lock_guard lock(mutex_);
                         lines_.emplace_back(line);
                       })),
      uri_((server_.add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value(),
            server_.listen(GetParam()).value())) {
  bystander_.emplace(uri_);
  // Until its hello was read it is a stranger, too, and the oldest one.
  EXPECT_TRUE(comes_true([&] { return bystander_->calls() != 0; }));
}

void Siege::expect_bystander_was_served() {
  const int before = bystander_->calls();
  EXPECT_TRUE(comes_true([&] { return bystander_->calls() >= before + 10; }));
  const Bystander::Service service = bystander_->stop();
  // One in a hundred, or one of fewer: a short siege of a busy machine makes few calls.
  EXPECT_LE(service.calls - service.served, std::max(service.calls / 100, 1))
      << service.served << " of " << service.calls << " calls were served; the longest took "
      << service.longest.count() / 1'000'000 << " ms";
}

bool Siege::comes_true(const std::function<bool()>& condition) const {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

std::vector<std::string> Siege::lines() {
  const std::lock_guard lock(mutex_);
  return lines_;
}

int Siege::lines_with(const std::string& text) {
  const auto all = lines();
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const std::string& line) {
    return line.find(text) != std::string::npos;
  }));
}

}  // namespace trestle::hostile
