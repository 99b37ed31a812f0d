// The process that survives: it sends messages of all kinds, and notes how each ended.
#include <malloc.h>
#include <trestle/trestle.hpp>

#include <cstdio>
#include <deque>
#include <filesystem>
#include <iterator>
#include <thread>
#include <variant>
#include <vector>

#include "eventually.hpp"
#include "message.hpp"
#include "roles.hpp"

namespace trestle::scenarios {
namespace {

using namespace std::chrono_literals;

/// So much may wait to be used again: blocks of payloads of the process and of its threads, and
/// what the transport keeps for the next large packets.
constexpr std::ptrdiff_t heap_growth_bytes = 16 << 20;

/// What this process holds.
struct Holdings {
  std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
  std::ptrdiff_t threads = entries_of("/proc/self/task");
  std::ptrdiff_t heap_bytes = bytes_of(::mallinfo2());

  static std::ptrdiff_t entries_of(const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder),
                         std::filesystem::directory_iterator());
  }
  static std::ptrdiff_t bytes_of(const struct mallinfo2& heap) {
    return static_cast<std::ptrdiff_t>(heap.uordblks + heap.hblkhd);
  }
};

/// One of the client's threads.
class Sender {
 public:
  Sender(const Play& play, const Ledger& ledger, std::size_t client, Peer peer)
      : play_(play), ledger_(ledger), client_(client), peer_(std::move(peer)) {}

  void send_until_it_is_over() {
    ClientPage& page = ledger_.client(client_);
    while (!ledger_.is_over()) {
      const std::size_t number = page.begun++;
      if (number >= ledger_.size().messages_max) {
        --page.begun;
        break;
      }
      send_one(number);
      if (under_way_.size() >= play_.outstanding) await_oldest();
      if (is_down_) await_the_next_server();
    }
    while (!under_way_.empty()) await_oldest();
  }

 private:
  using Call = MessageStatus<DetachedResponse<Payload>>;
  using Confirmation = MessageStatus<DetachedConfirm>;
  struct UnderWay {
    std::size_t number;
    std::variant<Call, Confirmation> status;
  };

  /// Of 64 messages two are large; a quarter each is called, on both kinds of handlers, confirmed,
  /// and sent without an answer.
  void send_one(std::size_t number) {
    const std::size_t bytes = number % 64 < 2 ? play_.large_bytes : 64;
    const char* handler = number % 4 == 0 ? "run_spawned" : "run";
    auto message = peer_.message(handler);
    message.payload(marked({client_, number}, bytes));
    switch (number % 4) {
      case 2:
        return keep(number, message.send_detached());
      case 3: {
        const auto admitted = message.execute();
        if (admitted.has_error()) return note_failure(number, admitted.error());
        ledger_.entry(client_, number).fate = Fate::admitted;
        return;
      }
      default:
        return keep(number, message.expect_response<Payload>().send_detached());
    }
  }
  template <class Status>
  void keep(std::size_t number, Result<Status> status) {
    if (status.has_error()) return note_failure(number, status.error());
    under_way_.push_back({number, std::move(*status)});
  }

  void await_oldest() {
    UnderWay oldest = std::move(under_way_.front());
    under_way_.pop_front();
    if (auto* confirmation = std::get_if<Confirmation>(&oldest.status)) {
      const auto outcome = std::move(*confirmation).await_ack();
      return outcome.has_error() ? note_failure(oldest.number, outcome.error())
                                 : note_success(oldest.number);
    }
    const auto outcome = std::move(std::get<Call>(oldest.status)).await_response();
    if (outcome.has_error()) return note_failure(oldest.number, outcome.error());
    const auto mark = mark_of(outcome->view());
    if (!mark || mark->client != client_ || mark->number != oldest.number) {
      return note_failure(oldest.number, Error(Errc::bad_reply, "another's", Ran::maybe));
    }
    note_success(oldest.number);
  }
  void note_success(std::size_t number) { ledger_.entry(client_, number).fate = Fate::succeeded; }
  void note_failure(std::size_t number, const Error& error) {
    ledger_.entry(client_, number).fate = error.ran == Ran::no      ? Fate::not_run
                                          : error.ran == Ran::maybe ? Fate::may_have_run
                                                                    : Fate::ran;
    const auto code = static_cast<std::size_t>(error.code.value());
    ++ledger_.client(client_).reasons.at(code < 256 ? code : 0);
    is_down_ = true;
  }
  /// Without it, thousands would be refused while nobody listens.
  void await_the_next_server() {
    const RetryPolicy patience{.attempts_max = 1000, .delay = 5ms, .factor = 1.0};
    is_down_ = peer_.with({.timeout = 1s, .retry = patience}).confirm("ready").has_error();
  }

  const Play& play_;
  const Ledger& ledger_;
  const std::size_t client_;
  const Peer peer_;
  std::deque<UnderWay> under_way_;
  bool is_down_ = false;
};

void send_from_all_threads(const Play& play, const Ledger& ledger, std::size_t client,
                           const Peer& peer) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < play.threads; ++i) {
    threads.emplace_back([&] { Sender(play, ledger, client, peer).send_until_it_is_over(); });
  }
}

/// Says what is wrong and returns how much is.
int check_that_nothing_is_left(const Node& node, const Peer& peer, const Holdings& before) {
  int wrong = 0;
  const auto expect = [&wrong](const char* what, bool is_so, std::ptrdiff_t got) {
    if (is_so) return;
    std::fprintf(stderr, "client: %s: %td\n", what, got);
    ++wrong;
  };
  // What waits in queues leaves before it.
  const auto answer = peer.with_timeout(watchdog).confirm("ready");
  if (answer.has_error()) std::fprintf(stderr, "client: %s\n", to_string(answer.error()).c_str());
  expect("the last server does not answer", answer.has_value(), 0);
  const NodeCounters counters = node.counters();
  expect("calls pending", counters.calls_pending == 0,
         static_cast<std::ptrdiff_t>(counters.calls_pending));
  expect("connections", counters.connections == 1,
         static_cast<std::ptrdiff_t>(counters.connections));
  expect("more descriptors than before",
         eventually([&] { return Holdings().descriptors <= before.descriptors; }),
         Holdings().descriptors - before.descriptors);
  expect("more threads than before",
         eventually([&] { return Holdings().threads <= before.threads; }),
         Holdings().threads - before.threads);
  const std::ptrdiff_t growth = Holdings().heap_bytes - before.heap_bytes;
  expect("more bytes of heap than before", growth <= heap_growth_bytes, growth);
  return wrong;
}

}  // namespace

int send(const Play& play, const Ledger& ledger, std::size_t client) {
  Node node({.workers = 1, .call_timeout = 5s, .plugins = play.plugins});
  const auto peer = node.connect(play.address);
  const auto answer = peer.has_value() ? peer->confirm("ready") : Result<void>(peer.error());
  if (answer.has_error()) {
    std::fprintf(stderr, "client: cannot begin: %s\n", to_string(answer.error()).c_str());
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  const Holdings before;

  send_from_all_threads(play, ledger, client, *peer);

  return check_that_nothing_is_left(node, *peer, before) == 0 ? 0 : 1;
}

}  // namespace trestle::scenarios
