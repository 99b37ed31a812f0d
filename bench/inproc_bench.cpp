// Trestle inside one process, where `trestle bench` cannot go: both nodes on one thread, or one
// thread for each that polls without end.
#include "bare/affinity.hpp"
#include "bare/result.hpp"

#include <trestle/manual_driver.hpp>
#include <trestle/trestle.hpp>

#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

namespace {

using bare::Clock;
using trestle::Payload;

[[noreturn]] void fail(const trestle::Error& error) {
  std::fprintf(stderr, "%s\n", error.text.c_str());
  std::exit(1);
}

template <class T>
T value_of(trestle::Result<T> result) {
  if (result.has_error()) fail(result.error());
  return std::move(*result);
}

trestle::NodeOptions options_for(trestle::ManualDriver* driver, trestle::Spin spin) {
  trestle::NodeOptions options;
  options.driver = driver;
  options.spin = spin;
  options.workers = 1;
  return options;
}

/// A client connected to a server with an inline echo.
struct TwoNodes {
  explicit TwoNodes(trestle::ManualDriver* driver, trestle::Spin spin = trestle::Spin::automatic)
      : server(options_for(driver, spin)), client(options_for(driver, spin)) {
    const auto echo = [](Payload payload) { return payload; };
    const trestle::HandlerOptions at_once{.execution = trestle::Execution::inline_};
    if (auto added = server.add(trestle::unary("echo", echo, at_once)); added.has_error()) {
      fail(added.error());
    }
    peer = value_of(client.connect(value_of(server.listen("inproc://*"))));
  }

  trestle::Node server;
  trestle::Node client;
  trestle::Peer peer;
};

/// Repeats `call`; each sample is the time of several calls, since reading the clock costs about as
/// much as a part of one.
class Repetition {
 public:
  Repetition(double seconds, std::size_t size)
      : during_(
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))),
        size_(size),
        calls_per_sample_(size <= 4096 ? 100 : 10) {}

  template <class Call>
  void measure(const char* what, Call call) {
    bare::Samples samples;
    run(call, during_ / 10, samples);  // warms up
    samples.clear();
    const auto start = Clock::now();
    run(call, during_, samples);
    const auto calls = samples.count() * static_cast<std::uint64_t>(calls_per_sample_);
    bare::print({what, "rtt", size_, 1, 1, Clock::now() - start, calls}, samples,
                calls_per_sample_);
  }

 private:
  template <class Call>
  void run(Call& call, Clock::duration during, bare::Samples& samples) {
    auto before = Clock::now();
    const auto deadline = before + during;
    while (before < deadline) {
      for (int i = 0; i < calls_per_sample_; ++i) call();
      const auto after = Clock::now();
      samples.add(after - before);
      before = after;
    }
  }

  const Clock::duration during_;
  const std::size_t size_;
  const int calls_per_sample_;
};

/// The argument of one call, as an application has it: small bytes in a payload of its own, large
/// ones handed over without a copy.
Payload argument(const Payload& payload) {
  if (payload.size() <= 4096) return Payload::copy(payload.view());
  return Payload::lend(
      payload.view(), [](void*) noexcept {}, nullptr);
}

/// Two nodes, no thread but this one.
void measure_same_thread(Repetition repetition, const Payload& payload) {
  trestle::ManualDriver driver;
  TwoNodes nodes(&driver);
  repetition.measure("same-thread",
                     [&] { value_of(nodes.peer.call<Payload>("echo", argument(payload))); });
}

/// Two nodes driven by hand, each by a thread that polls it and never sleeps. Connected on one
/// thread; afterwards nobody moves the clock that they share.
void measure_polled_threads(Repetition repetition, const Payload& payload) {
  trestle::ManualDriver driver;
  TwoNodes nodes(&driver);
  std::atomic<bool> ends{false};
  std::thread server([&] {
    bare::pin_to_cpu(0);
    // Relaxed: nothing else is passed on with it.
    while (!ends.load(std::memory_order_relaxed)) nodes.server.poll();
  });
  bare::pin_to_cpu(1);
  repetition.measure("polled-threads", [&] {
    std::optional<trestle::Result<Payload>> reply;
    nodes.peer.async_call<Payload>("echo", argument(payload), [&reply](trestle::Result<Payload> r) {
      reply.emplace(std::move(r));
    });
    while (!reply) nodes.client.poll();
    value_of(std::move(*reply));
  });
  ends.store(true, std::memory_order_relaxed);
  server.join();
}

/// Two nodes with threads of their own and a caller that blocks, as applications have it.
void measure_own_threads(Repetition repetition, const Payload& payload, trestle::Spin spin) {
  TwoNodes nodes(nullptr, spin);
  repetition.measure("own-threads",
                     [&] { value_of(nodes.peer.call<Payload>("echo", argument(payload))); });
}

}  // namespace

int main(int argc, char** argv) {
  std::string what;
  double seconds = 1.0;
  std::size_t size = 64;
  auto spin = trestle::Spin::automatic;
  CLI::App app("Measures round trips between two nodes of one process.");
  app.add_option("WHAT", what)
      ->required()
      ->check(CLI::IsMember({"same-thread", "polled-threads", "own-threads"}));
  app.add_option("--seconds", seconds)->check(CLI::Range(0.001, 3600.0));
  app.add_option("--size", size, "Bytes of payload")->check(CLI::Range(0, 64 << 20));
  app.add_option("--spin", spin, "Of own-threads")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, trestle::Spin>{{"auto", trestle::Spin::automatic},
                                               {"on", trestle::Spin::on},
                                               {"off", trestle::Spin::off}}));
  CLI11_PARSE(app, argc, argv);
  const std::vector<std::byte> bytes(size, std::byte{0x5a});
  const Payload payload = Payload::borrow(bytes);
  const Repetition repetition(seconds, size);
  if (what == "same-thread") {
    measure_same_thread(repetition, payload);
  } else if (what == "polled-threads") {
    measure_polled_threads(repetition, payload);
  } else {
    measure_own_threads(repetition, payload, spin);
  }
  return 0;
}
