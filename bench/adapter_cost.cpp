// What the C++ adapter of the SDK adds to a call through the table, beside the same in C.
#include <trestle/thin_transport.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "adapter/tables.h"
#include "bare/affinity.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int calls_per_round = 2'000'000;

/// A transport of one of the tables. Calls go through a volatile pointer, as in a host that loaded
/// the table from a file: the compiler knows nothing of what is behind it.
class Opened {
 public:
  explicit Opened(const tt_ops* table) : ops_(table) {
    static const tt_host host{};
    tt_open_params params{};
    params.size = sizeof(params);
    params.scheme = "bench";
    if (table->open(&host, &params, &transport_, nullptr) != TT_OK) std::abort();
  }
  ~Opened() { ops_->destroy(transport_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  /// Nanoseconds of a send, the progress that gives its packet back, and the arm that allows the
  /// sleep.
  double nanoseconds() {
    const std::array<tt_iov, 2> segments{{{nullptr, 8}, {nullptr, 64}}};
    std::array<tt_event, 64> events;
    std::uint64_t deadline = 0;
    auto* const conn = reinterpret_cast<tt_conn*>(this);
    std::int64_t got = 0;
    const auto start = Clock::now();
    for (int i = 0; i < calls_per_round; ++i) {
      const tt_ops* const table = ops_;
      table->send(transport_, conn, segments.data(), 2, TT_SEND_COPY, 0);
      got += table->progress(transport_, events.data(), 64);
      table->arm(transport_, &deadline);
    }
    const std::chrono::duration<double, std::nano> took = Clock::now() - start;
    if (got != calls_per_round) std::abort();
    return took.count() / calls_per_round;
  }

 private:
  const tt_ops* volatile ops_;
  tt_transport* transport_ = nullptr;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  unsigned rounds = 31;
  CLI::App app("send, progress and arm of a transport that does next to nothing: C beside C++.");
  app.add_option("--rounds", rounds)->check(CLI::Range(1u, 1000u))->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  bare::pin_to_cpu(0);
  Opened raw(bench_raw_table);
  Opened adapted(bench_adapted_table);
  std::vector<double> in_c;
  std::vector<double> in_cpp;
  std::vector<double> ratios;
  for (unsigned round = 0; round < rounds; ++round) {
    // The order alternates: who comes second may find a warmer or a throttled processor.
    const bool raw_first = round % 2 == 0;
    const double first = (raw_first ? raw : adapted).nanoseconds();
    const double second = (raw_first ? adapted : raw).nanoseconds();
    in_c.push_back(raw_first ? first : second);
    in_cpp.push_back(raw_first ? second : first);
    ratios.push_back(in_cpp.back() / in_c.back());
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  const double best_c = *std::min_element(in_c.begin(), in_c.end());
  const double best_cpp = *std::min_element(in_cpp.begin(), in_cpp.end());
  std::puts("send + progress + arm       C, ns   adapter, ns   ratio");
  std::printf("median of %3u rounds       %6.2f        %6.2f    %4.2f (%.2f-%.2f)\n", rounds,
              median(in_c), median(in_cpp), median(ratios), *least, *most);
  std::printf("the fastest round          %6.2f        %6.2f    %4.2f\n", best_c, best_cpp,
              best_cpp / best_c);
  return 0;
}
