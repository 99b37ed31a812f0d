// Clients of a load: one node each, started together, their counts put together at the end.
#include "load.hpp"

#include "latency_histogram.hpp"
#include "load_client.hpp"
#include "spin_option.hpp"

#include <barrier>
#include <memory>
#include <thread>
#include <vector>

namespace trestle::tools {
namespace {

using Clients = std::vector<std::unique_ptr<LoadClient>>;
using SteadyClock = std::chrono::steady_clock;

Result<Clients> connect_clients(const std::string& uri, const Load& load) {
  Clients clients;
  for (std::size_t i = 0; i < load.clients; ++i) {
    clients.push_back(std::make_unique<LoadClient>(load));
    if (auto connected = clients.back()->connect(uri); connected.has_error()) {
      return connected.error();
    }
  }
  return clients;
}

/// Runs all clients, each on a thread of its own; a single one on this thread. They start at the
/// same time; returns how long they took until the last one had ended.
SteadyClock::duration run_together(Clients& clients) {
  if (clients.size() == 1) {
    clients.front()->warm_up();
    const auto start = SteadyClock::now();
    clients.front()->run();
    return SteadyClock::now() - start;
  }
  SteadyClock::time_point start;
  std::barrier warm(static_cast<std::ptrdiff_t>(clients.size()),
                    [&start]() noexcept { start = SteadyClock::now(); });
  {
    std::vector<std::jthread> threads;
    for (auto& client : clients) {
      threads.emplace_back([&client, &warm] {
        client->warm_up();
        warm.arrive_and_wait();
        client->run();
      });
    }
  }
  return SteadyClock::now() - start;
}

LoadOutcome summarize(const std::string& uri, const Load& load, const Clients& clients,
                      SteadyClock::duration took) {
  const auto times = std::make_unique<LatencyHistogram>();
  LoadOutcome outcome;
  LoadReport& report = outcome.report;
  for (const auto& client : clients) {
    times->add(client->times());
    report.messages += client->messages();
    report.errors += client->errors();
    if (!outcome.first_error) outcome.first_error = client->first_error();
  }
  report.endpoint = uri;
  report.mode = to_string(load.mode);
  report.spin = to_string(load.spin);
  report.payload = to_string(load.payload);
  report.size = load.size;
  report.clients = load.clients;
  report.outstanding = load.mode == LoadMode::pipe ? load.outstanding : 1;
  report.seconds = std::chrono::duration<double>(took).count();
  report.p50_us = times->quantile_us(0.5);
  report.p99_us = times->quantile_us(0.99);
  report.mean_us = times->mean_us();
  report.per_second = static_cast<double>(report.messages) / report.seconds;
  report.bytes_per_second = report.per_second * static_cast<double>(load.size);
  return outcome;
}

}  // namespace

std::string to_string(LoadMode mode) {
  if (mode == LoadMode::rtt) return "rtt";
  return mode == LoadMode::oneway ? "oneway" : "pipe";
}

std::string to_string(Handing handing) {
  return handing == Handing::lent ? "lent" : "copied";
}

std::chrono::nanoseconds whole_duration(const Load& load) noexcept {
  return load.duration + warm_up_duration(load);
}

Result<LoadOutcome> run_load(const std::string& uri, const Load& load) {
  auto clients = connect_clients(uri, load);
  if (clients.has_error()) return clients.error();
  const auto took = run_together(*clients);
  return summarize(uri, load, *clients, took);
}

}  // namespace trestle::tools
