// What the demonstration prints.
#pragma once

#include "corpus.hpp"
#include "leader.hpp"

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

namespace trestle::demo {

/// What one line says about a worker before the work starts.
struct WorkerLine {
  std::string uri;
  std::string where;  ///< such as "process 4711"
};

void print_start(std::ostream& out, const Corpus& corpus, std::size_t rounds,
                 const std::vector<WorkerLine>& workers);

void print_top_words(std::ostream& out, const tools::WordCounts& counts);

/// One line per transport, in the order of their first share.
void print_transports(std::ostream& out, const std::vector<Share>& shares);

/// Whether both counts are equal, in words; if not, loudly, with the words that differ most.
void print_verdict(std::ostream& out, const tools::WordCounts& counted,
                   const tools::WordCounts& expected, std::chrono::nanoseconds took);

}  // namespace trestle::demo
