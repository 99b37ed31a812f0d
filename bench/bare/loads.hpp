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
void one_way(C& client, Clock::duration during, Samples& samples) {
  auto before = Clock::now();
  const auto deadline = before + during;
  while (before < deadline) {
    client.send_message();
    const auto after = Clock::now();
    samples.add(after - before);
    before = after;
  }
  client.flush();
}

/// Keeps `outstanding` requests under way; each reply makes room for the next request. Replies come
/// in order, so a ring of start times is enough.
template <Client C>
void pipeline(C& client, std::size_t outstanding, Clock::duration during, Samples& samples) {
  std::vector<Clock::time_point> started(outstanding);
  auto now = Clock::now();
  const auto deadline = now + during;
  for (auto& start : started) {
    start = now;
    client.send_request();
  }
  std::size_t oldest = 0;
  std::size_t under_way = outstanding;
  while (under_way > 0) {
    client.await_reply();
    now = Clock::now();
    samples.add(now - started[oldest]);
    --under_way;
    if (now < deadline) {
      started[oldest] = now;
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
    if (arguments.mode == Mode::oneway) return one_way(client, during, samples);
    pipeline(client, arguments.outstanding, during, samples);
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
