// trestle-demo: a leader and nine workers, over six transports, count the words of real texts.
#include "corpus.hpp"
#include "leader.hpp"
#include "report.hpp"
#include "worker.hpp"
#include "worker_process.hpp"

#include <CLI/CLI.hpp>
#include <trestle/plugins.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::demo {
namespace {

/// Where the worker processes listen; a further worker is a node inside the leader.
constexpr std::array default_uris{"unix://*",
                                  "unix://*",
                                  "tcp://127.0.0.1:0",
                                  "tcp://127.0.0.1:0",
                                  "zmq+ipc://*",
                                  "zmq+tcp://127.0.0.1:0",
                                  "ofi+tcp://127.0.0.1:0",
                                  "ofi+tcp://127.0.0.1:0"};

struct Arguments {
  std::vector<std::filesystem::path> files;
  std::size_t calls = 1500;
  std::vector<std::string> process_uris;  ///< of worker processes; none: default_uris
  std::string worker_uri;                 ///< set: this process is a worker
  std::size_t spoiled_calls = 0;
};

std::string scheme_of(const std::string& uri) {
  return uri.substr(0, uri.find(':'));
}

/// A build may have left the transport out.
bool has_plugin(const std::vector<PluginFile>& files, std::string_view uri) {
  const std::string name = "trestle_" + std::string(uri.substr(0, uri.find_first_of("+:"))) + ".so";
  return std::any_of(files.begin(), files.end(),
                     [&](const PluginFile& file) { return file.path.filename() == name; });
}

Result<std::vector<std::string>> uris_for(const Arguments& arguments) {
  if (!arguments.process_uris.empty()) return arguments.process_uris;
  const auto files = list_plugin_files();
  if (files.has_error()) return files.error();
  std::vector<std::string> uris;
  std::copy_if(default_uris.begin(), default_uris.end(), std::back_inserter(uris),
               [&](const char* uri) { return has_plugin(*files, uri); });
  return uris;
}

Result<std::vector<WorkerProcess>> start_processes(const std::vector<std::string>& uris) {
  std::vector<WorkerProcess> processes;
  for (const std::string& uri : uris) {
    auto process = WorkerProcess::start(uri);
    if (process.has_error()) return std::move(process).error();
    processes.push_back(std::move(*process));
  }
  return processes;
}

Result<std::vector<ConnectedWorker>> connect_all(Node& leader,
                                                 const std::vector<WorkerLine>& lines) {
  std::vector<ConnectedWorker> workers;
  for (const WorkerLine& line : lines) {
    auto peer = leader.connect(line.uri);
    if (peer.has_error()) return std::move(peer).error();
    workers.push_back({scheme_of(line.uri), std::move(*peer)});
  }
  return workers;
}

tools::WordCounts plain_count(const Corpus& corpus, std::size_t rounds) {
  tools::WordCounts counts;
  for (const std::string& text : corpus.texts) {
    tools::add_counts(counts, tools::count_words(text), rounds);
  }
  return counts;
}

/// Prints everything; true if all calls succeeded and the totals are right.
bool count_and_report(const std::vector<ConnectedWorker>& workers, const Corpus& corpus,
                      std::size_t rounds, std::size_t spoiled_calls) {
  const auto start = std::chrono::steady_clock::now();
  const auto shares = count_on_workers(workers, corpus.pieces, rounds);
  const auto took = std::chrono::steady_clock::now() - start;

  tools::WordCounts counted;
  bool all_calls_succeeded = true;
  for (const Share& share : shares) {
    tools::add_counts(counted, share.counts);
    if (!share.failure) continue;
    all_calls_succeeded = false;
    std::cout << "*** A CALL FAILED over " << share.transport << ": " << share.failure->text
              << " ***\n";
  }
  for (std::size_t call = 0; call < spoiled_calls; ++call) {
    tools::add_counts(counted, tools::count_words(corpus.pieces.front()));
  }
  const auto expected = plain_count(corpus, rounds);
  print_top_words(std::cout, counted);
  print_transports(std::cout, shares);
  print_verdict(std::cout, counted, expected, took);
  return all_calls_succeeded && counted == expected;
}

Result<bool> lead(const Arguments& arguments) {
  auto files = arguments.files.empty()
                   ? licence_files()
                   : Result<std::vector<std::filesystem::path>>(arguments.files);
  if (files.has_error()) return files.error();
  const auto corpus = read_corpus(*files);
  if (corpus.has_error()) return corpus.error();
  const std::size_t rounds = (arguments.calls + corpus->pieces.size() - 1) / corpus->pieces.size();

  // Processes first: a fork copies no threads, so there must be none yet.
  const auto uris = uris_for(arguments);
  if (uris.has_error()) return uris.error();
  auto processes = start_processes(*uris);
  if (processes.has_error()) return processes.error();
  Node local_worker;
  const auto local_uri = serve_words(local_worker, "inproc://*");
  if (local_uri.has_error()) return local_uri.error();
  std::vector<WorkerLine> lines{{*local_uri, "in this process"}};
  for (const WorkerProcess& process : *processes) {
    lines.push_back({process.uri(), "process " + std::to_string(process.id())});
  }
  Node leader;
  const auto workers = connect_all(leader, lines);
  if (workers.has_error()) return workers.error();

  print_start(std::cout, *corpus, rounds, lines);
  bool succeeded = count_and_report(*workers, *corpus, rounds, arguments.spoiled_calls);
  for (WorkerProcess& process : *processes) {
    const auto ended = process.end();
    if (ended.has_value()) continue;
    std::cout << "*** " << ended.error().text << " ***\n";
    succeeded = false;
  }
  return succeeded;
}

int run(const Arguments& arguments) {
  if (!arguments.worker_uri.empty()) return run_worker(arguments.worker_uri);
  const auto succeeded = lead(arguments);
  if (succeeded.has_value()) return *succeeded ? 0 : 1;
  std::cerr << "trestle-demo: " << succeeded.error().text << '\n';
  return succeeded.error().is(Errc::invalid_argument) ? 2 : 1;
}

}  // namespace
}  // namespace trestle::demo

int main(int argc, char** argv) {
  trestle::demo::Arguments arguments;
  CLI::App app("Counts the words of texts on workers in this and in other processes.",
               "trestle-demo");
  app.add_option("FILES", arguments.files, "Texts; default: the licence texts that Debian installs")
      ->type_name("");
  app.add_option("--calls", arguments.calls, "At least so many calls: texts are counted repeatedly")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option(
         "--at", arguments.process_uris,
         "A worker process listens there; may be repeated. Default: two at unix and tcp, one "
         "at each of zmq+ipc and zmq+tcp")
      ->type_name("URI")
      ->allow_extra_args(false);
  app.add_option("--worker", arguments.worker_uri,
                 "Be a worker that listens there until the end "
                 "of standard input")
      ->type_name("URI");
  app.add_option("--spoil", arguments.spoiled_calls,
                 "Count so many calls twice, to see that wrong totals are noticed");
  app.footer(
      "Exit codes: 0 the totals are right, 1 they are not or a call failed, 2 usage or bad file.\n"
      "Examples:\n"
      "  trestle-demo\n"
      "  trestle-demo --calls 10000 README.md docs/*.md\n");
  try {
    app.parse(argc, argv);
    return trestle::demo::run(arguments);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << "trestle-demo: " << failure.what() << '\n';
    return 1;
  }
}
