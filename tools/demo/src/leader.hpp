// The leader: hands the pieces of the texts out to workers and adds up what they count.
#pragma once

#include "call_times.hpp"
#include "word_count/word_count.hpp"

#include <trestle/peer.hpp>

#include <optional>
#include <string>
#include <vector>

namespace trestle::demo {

/// A worker that the leader is connected to.
struct ConnectedWorker {
  std::string transport;  ///< the scheme of its URI
  Peer peer;
};

/// What one worker did, or several of one transport.
struct Share {
  std::string transport;
  std::size_t workers = 1;
  tools::WordCounts counts;
  CallTimes times;
  std::optional<Error> failure;  ///< of the first call that failed; the worker's share ends there

  void add(const Share& more);
};

/// Has all `pieces` counted, `rounds` times, in equal shares; several threads call each worker.
/// Returns when each call has had its outcome; every call has a deadline.
std::vector<Share> count_on_workers(const std::vector<ConnectedWorker>& workers,
                                    const std::vector<std::string>& pieces, std::size_t rounds);

}  // namespace trestle::demo
