// Quantiles and JSON.
#include "result.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace bare {

Samples::Samples() : times_(std::size_t{1} << 22, 1) {}

std::size_t Samples::recorded() const noexcept {
  return std::min<std::size_t>(count_, times_.size());
}

void Samples::sort() {
  std::sort(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(recorded()));
}

double Samples::quantile_us(double part) const noexcept {
  if (count_ == 0) return 0;
  const auto last = static_cast<double>(recorded() - 1);
  return times_[static_cast<std::size_t>(part * last)] / 1e3;
}

double Samples::mean_us() const noexcept {
  if (count_ == 0) return 0;
  const auto end = times_.begin() + static_cast<std::ptrdiff_t>(recorded());
  return std::accumulate(times_.begin(), end, 0.0) / static_cast<double>(recorded()) / 1e3;
}

void print(const Result& result, Samples& samples, int messages_per_sample) {
  samples.sort();
  const double seconds = std::chrono::duration<double>(result.took).count();
  const double per_second = static_cast<double>(result.messages) / seconds;
  std::printf(
      "{\"endpoint\":\"%s\",\"mode\":\"%s\",\"size\":%zu,\"clients\":%zu,\"outstanding\":%zu,"
      "\"seconds\":%.6f,\"messages\":%llu,\"errors\":0,\"p50_us\":%.4f,\"p99_us\":%.4f,"
      "\"mean_us\":%.4f,\"per_second\":%.1f,\"bytes_per_second\":%.0f}\n",
      result.endpoint.c_str(), result.mode, result.size, result.clients, result.outstanding,
      seconds, static_cast<unsigned long long>(result.messages),
      samples.quantile_us(0.5) / messages_per_sample,
      samples.quantile_us(0.99) / messages_per_sample, samples.mean_us() / messages_per_sample,
      per_second, per_second * static_cast<double>(result.size));
}

}  // namespace bare
