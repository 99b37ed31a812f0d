// Yardsticks inside one process: a table dispatch that copies, and two threads that spin on two
// cache lines.
#include "affinity.hpp"
#include "result.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <span>
#include <thread>

namespace {

using bare::Clock;
using Bytes = std::span<std::byte>;

constexpr std::size_t message_bytes = 64;
using Message = std::array<std::byte, message_bytes>;

constexpr int calls_per_sample = 1000;  // a reading of the clock costs more than a call

/// Keeps the compiler from seeing through `value`.
template <class T>
void hide(T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// Handlers by number. A handler takes one message and fills another.
using Table = std::vector<std::function<std::size_t(std::span<const std::byte>, Bytes)>>;

Table make_table() {
  Table table;
  for (int i = 0; i < 16; ++i) {
    table.emplace_back([](std::span<const std::byte> in, Bytes out) {
      std::memcpy(out.data(), in.data(), in.size());
      return in.size();
    });
  }
  return table;
}

/// What calls share with whoever would carry them: a copy goes in, a copy comes out.
struct Mailbox {
  Message in;
  Message out;
};

void call(const Table& table, Mailbox& box, std::size_t handler, Message& message,
          std::size_t size) {
  std::memcpy(box.in.data(), message.data(), size);
  hide(box);
  const std::size_t replied = table[handler]({box.in.data(), size}, box.out);
  hide(box);
  std::memcpy(message.data(), box.out.data(), replied);
  hide(message);
}

bare::Result measure_table(Clock::duration during, bare::Samples& samples) {
  Table table = make_table();
  Mailbox box;
  Message message{};
  std::size_t size = message_bytes;
  const auto start = Clock::now();
  auto before = start;
  std::uint64_t calls = 0;
  while (before - start < during) {
    for (int i = 0; i < calls_per_sample; ++i) {
      hide(size);
      call(table, box, calls++ % table.size(), message, size);
    }
    const auto after = Clock::now();
    samples.add(after - before);
    before = after;
  }
  return {"table", "rtt", message_bytes, 1, 1, before - start, calls};
}

struct alignas(64) Line {
  std::atomic<std::uint64_t> value{0};
};

/// One side writes a number into its line, the other one answers with the same number in the other
/// line. Acquire and release: what lies beside the number would be visible, as a message must be.
bare::Result measure_ping_pong(Clock::duration during, bare::Samples& samples) {
  constexpr std::uint64_t last = ~std::uint64_t{0};
  Line ping;
  Line pong;
  std::thread server([&] {
    bare::pin_to_cpu(0);
    std::uint64_t seen = 0;
    while (seen != last) {
      const std::uint64_t now = ping.value.load(std::memory_order_acquire);
      if (now == seen) continue;
      seen = now;
      pong.value.store(now, std::memory_order_release);
    }
  });
  bare::pin_to_cpu(1);
  const auto start = Clock::now();
  auto before = start;
  std::uint64_t calls = 0;
  while (before - start < during) {
    for (int i = 0; i < calls_per_sample; ++i) {
      ping.value.store(++calls, std::memory_order_release);
      while (pong.value.load(std::memory_order_acquire) != calls) {
      }
    }
    const auto after = Clock::now();
    samples.add(after - before);
    before = after;
  }
  ping.value.store(last, std::memory_order_release);
  server.join();
  return {"spin", "rtt", 8, 1, 1, before - start, calls};
}

}  // namespace

int main(int argc, char** argv) {
  std::string what;
  double seconds = 1.0;
  CLI::App app(
      "Measures what a call inside a process costs at least; the mean of 1000 calls is "
      "one sample.");
  app.add_option("WHAT", what)->required()->check(CLI::IsMember({"table", "spin"}));
  app.add_option("--seconds", seconds)->check(CLI::Range(0.001, 3600.0));
  CLI11_PARSE(app, argc, argv);
  const auto during =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const auto measure = what == "table" ? measure_table : measure_ping_pong;
  bare::Samples samples;
  measure(during / 10, samples);  // warms up
  samples.clear();
  const bare::Result result = measure(during, samples);
  bare::print(result, samples, calls_per_sample);
  return 0;
}
