// The loads of one thread with one connection, over any client whose replies come in order.
#pragma once

#include "arguments.hpp"
#include "result.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <vector>

namespace bare {

/// A connection with the messages that it sends.
template <class T>
concept Client = requires(T& client) {
  client.send_request();  ///< which is answered
  client.await_reply();
  client.send_message();  ///< which is not answered
  client.flush();         ///< returns when all messages have arrived
};

/// Reading the clock costs as much as a part of a small message in one way or under way with
/// others: of those, one in so many is timed, as `trestle bench` does.
inline std::size_t messages_per_sample(std::size_t size) noexcept {
  constexpr std::size_t large_message_bytes = 4096;
  return size >= large_message_bytes ? 1 : 16;
}

/// One request after the other.
template <Client C>
void round_trips(C& client, Clock::duration during, Samples& samples) {
  auto before = Clock::now();
  const auto deadline = before + during;
  while (before < deadline) {
    client.send_request();
    client.await_reply();
    const auto after = Clock::now();
    samples.add(after - before);
    before = after;
  }
}

/// Sends without waiting; the time until the last message has arrived counts.
template <Client C>
void one_way(C& client, std::size_t per_sample, Clock::duration during, Samples& samples) {
  auto before = Clock::now();
  const auto deadline = before + during;
  while (before < deadline) {
    client.send_message();
    const auto after = Clock::now();
    samples.add(after - before);
    for (std::size_t i = 1; i < per_sample; ++i) {
      client.send_message();
      samples.add_untimed();
    }
    before = per_sample == 1 ? after : Clock::now();
  }
  client.flush();
}

/// Keeps `outstanding` requests under way; each reply makes room for the next request. Replies come
/// in order, so a ring of start times is enough: unset ones are of requests that are not timed.
template <Client C>
void pipeline(C& client, std::size_t outstanding, std::size_t per_sample, Clock::duration during,
              Samples& samples) {
  const auto begin = Clock::now();
  const auto deadline = begin + during;
  std::vector<Clock::time_point> started(outstanding, begin);
  for (std::size_t i = 0; i < outstanding; ++i) client.send_request();
  std::size_t oldest = 0;
  std::size_t under_way = outstanding;
  std::size_t replies = 0;
  bool is_over = false;
  while (under_way > 0) {
    client.await_reply();
    Clock::time_point now{};
    if (++replies % per_sample == 0) {
      now = Clock::now();
      is_over |= now >= deadline;
    }
    const auto start = started[oldest];
    if (start != Clock::time_point{} && now == Clock::time_point{}) now = Clock::now();
    if (start != Clock::time_point{}) {
      samples.add(now - start);
    } else {
      samples.add_untimed();
    }
    --under_way;
    if (!is_over) {
      started[oldest] = replies % per_sample == 0 ? now : Clock::time_point{};
      client.send_request();
      ++under_way;
    }
    oldest = (oldest + 1) % outstanding;
  }
}

/// The load that the command line asks for, after a tenth of it to warm up; prints the result.
template <Client C>
void measure(C& client, const Arguments& arguments) {
  const auto run = [&](Clock::duration during, Samples& samples) {
    if (arguments.mode == Mode::rtt) return round_trips(client, during, samples);
    const std::size_t per_sample = messages_per_sample(arguments.size);
    if (arguments.mode == Mode::oneway) return one_way(client, per_sample, during, samples);
    pipeline(client, arguments.outstanding, per_sample, during, samples);
  };
  const auto during =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.seconds));
  Samples samples;
  run(during / 10, samples);
  samples.clear();
  const auto start = Clock::now();
  run(during, samples);
  Result result{arguments.endpoint,   to_text(arguments.mode), arguments.size, 1, 1,
                Clock::now() - start, samples.count()};
  if (arguments.mode == Mode::pipe) result.outstanding = arguments.outstanding;
  print(result, samples);
}

}  // namespace bare
