// One client of a load.
#pragma once

#include "latency_histogram.hpp"
#include "load.hpp"

#include <trestle/async.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

namespace trestle::tools {

std::chrono::nanoseconds warm_up_duration(const Load& load) noexcept;

/// A node, its connection and its counts. A lost connection ends its load;
/// other errors only count. Threads: one; the completions of pipe run on whichever drives the node,
/// and none is left when a run returns.
class LoadClient {
 public:
  explicit LoadClient(const Load& load);

  /// Errors: those of Node::connect().
  Result<void> connect(const std::string& uri);

  /// A short run that leaves no counts but those of errors.
  void warm_up();
  void run();

  const LatencyHistogram& times() const noexcept { return times_; }
  std::uint64_t messages() const noexcept { return messages_; }
  std::uint64_t errors() const noexcept { return errors_; }
  const std::optional<Error>& first_error() const noexcept { return first_error_; }

 private:
  using Clock = std::chrono::steady_clock;

  enum class After { goes_on, ends };

  void run_for(std::chrono::nanoseconds duration);
  void run_rtt();
  void run_oneway();
  void run_pipe();
  void start_call();
  void on_reply(const Result<Payload>& reply, Clock::time_point started);
  bool send_one();
  Payload next_payload() const;
  After count_error(const Error& error);
  bool is_sampled(std::uint64_t number) const noexcept {
    return number % messages_per_sample_ == 0;
  }

  const Load load_;
  const std::vector<std::byte> bytes_;
  /// Reading the clock costs as much as a part of a small message in a packet: only some are timed.
  const std::uint64_t messages_per_sample_;
  Clock::time_point deadline_;
  LatencyHistogram times_;
  std::uint64_t messages_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t started_ = 0;    ///< calls of pipe
  std::uint64_t under_way_ = 0;  ///< likewise
  bool is_over_ = false;         ///< starts no more calls
  std::optional<Error> first_error_;
  bool is_lost_ = false;           ///< the next call would dial again, and measure that
  std::binary_semaphore idle_{0};  ///< released when the last call of pipe has ended
  Node node_;                      ///< after what its completions use
  Peer peer_;
};

}  // namespace trestle::tools
