// Loading a peer with messages and measuring what comes of it.
#pragma once

#include <trestle/error.hpp>
#include <trestle/node.hpp>

#include <boost/describe/class.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace trestle::tools {

enum class LoadMode {
  rtt,     ///< one call after the other, each on the stack of its caller
  oneway,  ///< messages without a reply; one that is answered ends them, and the time until then
  pipe,    ///< a fixed number of calls under way: each reply starts the next call
};

std::string to_string(LoadMode mode);

/// How the bytes of a message are handed over.
enum class Handing {
  copied,  ///< the client keeps them, as programs do that pass a value
  lent,    ///< the node reads them where they lie, as it does with what is moved into it
};

std::string to_string(Handing handing);

struct Load {
  LoadMode mode = LoadMode::rtt;
  std::size_t size = 64;         ///< bytes of payload, there and, but for oneway, back
  std::size_t outstanding = 64;  ///< calls under way per client, in pipe
  std::size_t clients = 1;       ///< nodes, each with a connection and a thread of its own
  std::chrono::nanoseconds duration = std::chrono::seconds(1);
  Spin spin = Spin::automatic;
  Handing payload = Handing::copied;
};

/// What came of a load. Times in microseconds: of a call; in oneway of handing a message over.
struct LoadReport {
  std::string endpoint;
  std::string mode;
  std::string spin;
  std::string payload;
  std::uint64_t size = 0;
  std::uint64_t clients = 0;
  std::uint64_t outstanding = 0;
  double seconds = 0;  ///< until the last answer
  std::uint64_t messages = 0;
  std::uint64_t errors = 0;
  double p50_us = 0;
  double p99_us = 0;
  double mean_us = 0;
  double per_second = 0;
  double bytes_per_second = 0;  ///< of payload, in one direction
};
BOOST_DESCRIBE_STRUCT(LoadReport, (),
                      (endpoint, mode, spin, payload, size, clients, outstanding, seconds, messages,
                       errors, p50_us, p99_us, mean_us, per_second, bytes_per_second))

struct LoadOutcome {
  LoadReport report;
  std::optional<Error> first_error;
};

/// How long a load takes, its warm-up included.
std::chrono::nanoseconds whole_duration(const Load& load) noexcept;

/// Loads the peer at `uri`, which serves the handlers `echo` and `sink`.
/// Errors: those of Node::connect(). What goes wrong later is counted.
Result<LoadOutcome> run_load(const std::string& uri, const Load& load);

}  // namespace trestle::tools
