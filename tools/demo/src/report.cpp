// Tables in plain text, narrow enough for any terminal.
#include "report.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <utility>

namespace trestle::demo {
namespace {

constexpr std::size_t words_shown = 10;

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char line[128];
  std::snprintf(line, sizeof(line), format, values...);
  return line;
}

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::uint64_t total(const tools::WordCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

std::uint64_t count_of(const tools::WordCounts& counts, const std::string& word) {
  const auto found = counts.find(word);
  return found == counts.end() ? 0 : found->second;
}

/// Shares of the same transport put together.
std::vector<Share> by_transport(const std::vector<Share>& shares) {
  std::vector<Share> merged;
  for (const Share& share : shares) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Share& each) {
      return each.transport == share.transport;
    });
    if (same == merged.end()) {
      merged.push_back(share);
    } else {
      same->add(share);
      same->workers += share.workers;
    }
  }
  return merged;
}

void print_differences(std::ostream& out, const tools::WordCounts& counted,
                       const tools::WordCounts& expected) {
  tools::WordCounts all = counted;
  tools::add_counts(all, expected);
  std::size_t differing = 0;
  for (const auto& entry : all) {
    const auto got = count_of(counted, entry.first);
    const auto wanted = count_of(expected, entry.first);
    if (got == wanted) continue;
    if (++differing <= words_shown) {
      out << "  '" << entry.first << "': " << grouped(got) << " instead of " << grouped(wanted)
          << '\n';
    }
  }
  out << grouped(differing) << " words differ\n";
}

}  // namespace

void print_start(std::ostream& out, const Corpus& corpus, std::size_t rounds,
                 const std::vector<WorkerLine>& workers) {
  out << "Counting the words of " << corpus.texts.size() << " texts ("
      << grouped(corpus.bytes / 1000) << " kB), " << rounds << " times over, on " << workers.size()
      << " workers:\n";
  for (const WorkerLine& worker : workers) {
    out << formatted("  %-40s", worker.uri.c_str()) << ' ' << worker.where << '\n';
  }
  out << std::endl;
}

void print_top_words(std::ostream& out, const tools::WordCounts& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
  const auto shown = static_cast<std::ptrdiff_t>(std::min(words_shown, sorted.size()));
  std::partial_sort(sorted.begin(), sorted.begin() + shown, sorted.end(),
                    [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  sorted.resize(static_cast<std::size_t>(shown));
  out << "Most frequent words\n";
  int rank = 0;
  for (const auto& [word, count] : sorted) {
    out << formatted("  %2d  ", ++rank) << formatted("%-16.40s", word.c_str())
        << formatted(" %12s", grouped(count).c_str()) << '\n';
  }
  out << '\n';
}

void print_transports(std::ostream& out, const std::vector<Share>& shares) {
  out << "Transport  workers    calls       median          p99\n";
  for (const Share& share : by_transport(shares)) {
    out << formatted("%-9s  %7zu  %7zu  %8.2f ms  %8.2f ms\n", share.transport.c_str(),
                     share.workers, share.times.calls(), milliseconds(share.times.percentile(50)),
                     milliseconds(share.times.percentile(99)));
  }
  out << '\n';
}

void print_verdict(std::ostream& out, const tools::WordCounts& counted,
                   const tools::WordCounts& expected, std::chrono::nanoseconds took) {
  if (counted == expected) {
    out << grouped(total(counted)) << " words in " << formatted("%.2f", milliseconds(took) / 1e3)
        << " s; a plain count in this process gives the same totals.\n";
    return;
  }
  out << "*** THE TOTALS DIFFER from a plain count in this process ***\n"
      << "workers counted " << grouped(total(counted)) << " words, the plain count "
      << grouped(total(expected)) << '\n';
  print_differences(out, counted, expected);
}

}  // namespace trestle::demo
