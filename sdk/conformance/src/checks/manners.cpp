// A guest in somebody's process: nothing that all share is touched, and no transport minds others.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "../bench.hpp"
#include "../loaded_plugin.hpp"
#include "../pattern.hpp"
#include "../resources.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

/// Standard output and standard error go into memory while it lives.
class CapturedStreams {
 public:
  CapturedStreams() : memory_(::memfd_create("streams", MFD_CLOEXEC)) {
    std::fflush(nullptr);
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      saved_[i] = ::fcntl(number_of(i), F_DUPFD_CLOEXEC, 3);
      ::dup2(memory_, number_of(i));
    }
  }
  ~CapturedStreams() {
    restore();
    ::close(memory_);
  }
  CapturedStreams(const CapturedStreams&) = delete;
  CapturedStreams& operator=(const CapturedStreams&) = delete;

  /// Ends the capture; what was written meanwhile.
  std::string take() {
    restore();
    std::string text(2000, '\0');
    const auto got = ::pread(memory_, text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

 private:
  static int number_of(std::size_t i) { return i == 0 ? STDOUT_FILENO : STDERR_FILENO; }

  void restore() {
    std::fflush(nullptr);
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      if (saved_[i] < 0) continue;
      ::dup2(saved_[i], number_of(i));
      ::close(std::exchange(saved_[i], -1));
    }
  }

  const int memory_;
  std::array<int, 2> saved_{-1, -1};
};

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) all.emplace_back(*at);
  return all;
}

/// What every part of a process sees when one of them changes it.
struct SharedState {
  std::array<void (*)(int), NSIG> handlers{};
  sigset_t blocked{};
  mode_t mask = 0;
  std::string locale;
  std::vector<std::string> variables;
  std::filesystem::path directory;

  static SharedState now() {
    SharedState state;
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) != 0) continue;
      state.handlers[static_cast<std::size_t>(number)] = action.sa_handler;
    }
    ::pthread_sigmask(SIG_BLOCK, nullptr, &state.blocked);
    state.mask = ::umask(0);
    ::umask(state.mask);
    state.locale = std::setlocale(LC_ALL, nullptr);
    state.variables = environment();
    state.directory = std::filesystem::current_path();
    return state;
  }
};

void expect_same(const SharedState& before, const SharedState& after) {
  for (int number = 1; number < NSIG; ++number) {
    const auto at = static_cast<std::size_t>(number);
    expect(before.handlers[at] == after.handlers[at],
           "signal " + std::to_string(number) + ": expected its handler as it was, got another");
    expect(::sigismember(&before.blocked, number) == ::sigismember(&after.blocked, number),
           "signal " + std::to_string(number) + ": expected its mask as it was, got another");
  }
  expect_equal("umask", before.mask, after.mask);
  expect_equal("locale", before.locale, after.locale);
  expect(before.variables == after.variables, "environment: expected it as it was, got changes");
  expect_equal("working directory", before.directory.string(), after.directory.string());
}

/// From open() to destroy(), with a refused connection and an abort on the way.
void live_a_life(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const std::size_t packet_bytes = pair.client.fitting(100'000);
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, packet_bytes), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, packet_bytes);
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
  pair.client.close(other.out, TT_CLOSE_ABORT);
  pair.server.unlisten(pair.listener);
  bench.pump_until([&] { return pair.listener.gone && other.in.closed; }, "UNLISTENED and CLOSED");
  Connection& refused = pair.client.connect(pair.uri);
  bench.pump_until([&] { return refused.closed; }, "CLOSED of a refused connection");
  bench.finish();
}

void shares_stay_as_they_are(Bench& bench) {
  CapturedStreams streams;
  const SharedState before = SharedState::now();

  skip_without(TT_CAP_LISTEN | TT_CAP_CONNECT, bench.subject());
  live_a_life(bench);

  const SharedState after = SharedState::now();
  const std::string written = streams.take();
  expect(written.empty(), "standard output and standard error: expected nothing, got \"" +
                              written.substr(0, 200) + '"');
  expect_same(before, after);
}

void descriptors_stay_here(Bench& bench) {
  const std::set<int> before = descriptor_numbers();
  const Pair pair = connect_pair(bench);
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, 10), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, 10);
  pair.client.connect(pair.uri);

  for (const int number : descriptor_numbers()) {
    const int flags = ::fcntl(number, F_GETFD);
    if (before.contains(number) || flags < 0) continue;
    std::error_code gone;
    const auto is = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(number), gone);
    expect((flags & FD_CLOEXEC) != 0,
           "descriptor " + std::to_string(number) + " (" + is.string() +
               "): expected FD_CLOEXEC, got none: a program that this process starts inherits it");
  }
}

void threads_are_declared(Bench& bench) {
  const std::size_t before = running_threads();
  const Pair pair = connect_pair(bench);
  const std::size_t packet_bytes = pair.client.fitting(1000);
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, packet_bytes), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, packet_bytes);

  if ((pair.client.attributes().caps & TT_CAP_OWN_THREADS) != 0) return;
  expect_equal("threads of a transport without TT_CAP_OWN_THREADS", before, running_threads());
}

void expect_carried(Bench& bench, const Pair& pair, std::uint64_t number) {
  const auto bytes = make_pattern(number, pair.client.fitting(4000));
  send_or_wait(bench, pair.client, pair.out, bytes, TT_SEND_COPY);
  send_or_wait(bench, pair.server, pair.in, bytes, TT_SEND_COPY);
  expect_packet(bench, pair.in, number, bytes.size());
  expect_packet(bench, pair.out, number, bytes.size());
}

void transports_are_apart(Bench& bench) {
  const Pair going = connect_pair(bench);
  const Pair staying = connect_pair(bench);
  expect(going.uri != staying.uri, "listeners of two transports: expected two addresses, got one");

  for (Driver* driver : {&going.server, &going.client}) driver->shutdown();
  bench.pump_until([&] { return going.server.is_down() && going.client.is_down(); }, "DOWN");
  going.client.free(going.out);
  going.server.free(going.in);
  expect_status("destroy", TT_OK, going.client.destroy());
  expect_status("destroy", TT_OK, going.server.destroy());

  expect(!staying.in.closed && !staying.out.closed && !staying.listener.gone,
         "shutdown of two transports: expected the others to live on, got their end");
  expect_carried(bench, staying, 1);
  connect_ends(bench, staying.server, staying.client, staying.listener, staying.uri);
}

/// Another plugin in this process, and how to reach it.
struct Neighbour {
  const tt_plugin& plugin;
  Subject subject;
};

Neighbour load_neighbour(Bench& bench) {
  Subject subject = bench.subject();
  if (subject.neighbour_plugin.empty()) return {load_copy(subject.plugin_path), subject};
  subject.plugin_path = subject.neighbour_plugin;
  const tt_plugin& plugin = load_module(subject.plugin_path);
  expect(plugin.nschemes > 0, "the neighbour's schemes: expected one, got none");
  subject.scheme = plugin.schemes[0].name;
  subject.listen_uri = subject.scheme + "://*";
  Driver& probe = bench.open_of(plugin, subject);
  if (probe.try_listen(subject.listen_uri).status != TT_OK) {
    subject.listen_uri = subject.scheme + "://127.0.0.1:0";
  }
  return {plugin, subject};
}

Pair connect_neighbours(Bench& bench, const Neighbour& neighbour) {
  Driver& server = bench.open_of(neighbour.plugin, neighbour.subject);
  Driver& client = bench.open_of(neighbour.plugin, neighbour.subject);
  Listener& listener = server.listen(neighbour.subject.listen_uri);
  const std::string uri = server.uri_of(listener);
  const Ends ends = connect_ends(bench, server, client, listener, uri);
  return {server, client, listener, uri, ends.in, ends.out};
}

/// Both of its transports, down to destroy().
void take_down(Bench& bench, const Pair& pair) {
  for (Driver* driver : {&pair.server, &pair.client}) driver->shutdown();
  bench.pump_until([&] { return pair.server.is_down() && pair.client.is_down(); }, "DOWN");
  for (Driver* driver : {&pair.server, &pair.client}) {
    for (const auto& conn : driver->connections()) {
      if (!conn->freed) driver->free(*conn);
    }
    expect_status("destroy", TT_OK, driver->destroy());
  }
}

void plugins_are_apart(Bench& bench) {
  const Pair own = connect_pair(bench);
  const Neighbour neighbour = load_neighbour(bench);
  const Pair other = connect_neighbours(bench, neighbour);
  for (std::uint64_t number = 0; number < 20; ++number) {
    expect_carried(bench, own, number);
    expect_carried(bench, other, number);
  }

  take_down(bench, other);
  expect_carried(bench, own, 20);
  connect_ends(bench, own.server, own.client, own.listener, own.uri);

  const Pair again = connect_neighbours(bench, neighbour);
  take_down(bench, own);
  expect_carried(bench, again, 21);
}

}  // namespace

std::span<const Check> manner_checks() {
  static constexpr std::array checks = {
      Check{"WhatTheProcessSharesStaysAsItIs",
            "Threads",
            0,
            shares_stay_as_they_are,
            {.loading = Loading::by_the_check}},
      Check{"DescriptorsDoNotPassToOtherPrograms", "Threads", 0, descriptors_stay_here},
      Check{"ThreadsOfItsOwnAreDeclared", "What to declare", 0, threads_are_declared},
      Check{"TransportsOfOnePluginAreApart", "Calls and events", 0, transports_are_apart},
      Check{"TwoPluginsInOneProcessAreApart", "Calls and events", 0, plugins_are_apart},
  };
  return checks;
}

}  // namespace trestle::conformance
