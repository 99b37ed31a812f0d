// Sharing work out: call number n goes to worker n modulo their number.
#include "leader.hpp"

#include "worker.hpp"

#include <atomic>
#include <deque>
#include <thread>
#include <utility>

namespace trestle::demo {
namespace {

constexpr std::size_t threads_per_worker = 2;

/// The calls that one worker gets; its threads take the next one each.
struct Queue {
  Queue(const ConnectedWorker& asked, std::size_t first, std::size_t every, std::size_t limit)
      : worker(asked), next(first), step(every), end(limit) {}

  const ConnectedWorker& worker;
  std::atomic<std::size_t> next;  // relaxed: a number to take, it publishes nothing
  std::size_t step;
  std::size_t end;

  std::optional<std::size_t> take() {
    const std::size_t number = next.fetch_add(step, std::memory_order_relaxed);
    return number < end ? std::optional(number) : std::nullopt;
  }
};

Share work_off(Queue& queue, const std::vector<std::string>& pieces) {
  Share share;
  share.transport = queue.worker.transport;
  while (const auto number = queue.take()) {
    const std::string& piece = pieces[*number % pieces.size()];
    const auto start = std::chrono::steady_clock::now();
    const auto counts = queue.worker.peer.call<tools::WordCounts>(handler_name, piece);
    share.times.add(std::chrono::steady_clock::now() - start);
    if (counts.has_error()) {
      share.failure = counts.error();
      break;
    }
    tools::add_counts(share.counts, *counts);
  }
  return share;
}

}  // namespace

void Share::add(const Share& more) {
  tools::add_counts(counts, more.counts);
  times.add(more.times);
  if (!failure) failure = more.failure;
}

std::vector<Share> count_on_workers(const std::vector<ConnectedWorker>& workers,
                                    const std::vector<std::string>& pieces, std::size_t rounds) {
  std::deque<Queue> queues;  // stays where it is while threads use it
  std::vector<Share> parts(workers.size() * threads_per_worker);
  {
    std::vector<std::jthread> threads;
    for (const ConnectedWorker& worker : workers) {
      const std::size_t first = queues.size();
      Queue& queue = queues.emplace_back(worker, first, workers.size(), pieces.size() * rounds);
      for (std::size_t each = 0; each < threads_per_worker; ++each) {
        Share& part = parts[first * threads_per_worker + each];
        threads.emplace_back([&queue, &pieces, &part] { part = work_off(queue, pieces); });
      }
    }
  }
  std::vector<Share> shares;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    if (index % threads_per_worker == 0) {
      shares.push_back(std::move(parts[index]));
    } else {
      shares.back().add(parts[index]);
    }
  }
  return shares;
}

}  // namespace trestle::demo
