// Sends confirmed messages from several threads, and counts at both ends: none is lost, none comes
// twice, none comes under another id.
#include <trestle/trestle.hpp>

#include <CLI/CLI.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fresh_addresses.hpp"

namespace {

using namespace trestle;

struct Load {
  std::string address;
  std::size_t messages = 1'000'000;
  std::size_t threads = 4;
  std::size_t outstanding = 64;
  std::vector<std::filesystem::path> plugins;
};

/// What the receiver has of each message. Threads: any.
class Ledger {
 public:
  explicit Ledger(std::size_t messages) : entries_(messages) {}

  void note(std::size_t number, const MessageId& id) {
    if (number >= entries_.size()) {
      ++strangers_;
      return;
    }
    Entry& entry = entries_[number];
    entry.high = id.high();
    entry.low = id.low();
    ++entry.times;
  }
  bool has(std::size_t number, const MessageId& id) const {
    const Entry& entry = entries_[number];
    return entry.times == 1 && entry.high == id.high() && entry.low == id.low();
  }
  std::size_t lost() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries_, [](const Entry& entry) { return entry.times == 0; }));
  }
  std::size_t twice() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries_, [](const Entry& entry) { return entry.times > 1; }));
  }
  std::size_t strangers() const { return strangers_; }

 private:
  struct Entry {
    std::atomic<std::uint64_t> high = 0;
    std::atomic<std::uint64_t> low = 0;
    std::atomic<std::uint32_t> times = 0;
  };

  std::vector<Entry> entries_;
  std::atomic<std::size_t> strangers_ = 0;
};

/// What the senders counted.
struct Sent {
  std::atomic<std::size_t> confirmed = 0;
  std::atomic<std::size_t> failed = 0;
  std::atomic<std::size_t> misnamed = 0;  // the handler saw another id, or none yet
};

/// One of the threads that send: every `load.threads`-th message, some of them under way at a time.
class Sender {
 public:
  Sender(const Load& load, const Peer& peer, const Ledger& ledger, Sent& sent)
      : load_(load), peer_(peer), ledger_(ledger), sent_(sent) {}

  void send_from(std::size_t first) {
    for (std::size_t number = first; number < load_.messages; number += load_.threads) {
      const auto message = peer_.message(number % 4 < 2 ? "take" : "take_spawned");
      auto status = MessageBuilder(message).payload(number).send_detached();
      if (status.has_error()) {
        complain(status.error());
      } else {
        under_way_.emplace_back(number, std::move(*status));
      }
      if (under_way_.size() >= load_.outstanding) confirm_oldest();
    }
    while (!under_way_.empty()) confirm_oldest();
  }

 private:
  void confirm_oldest() {
    auto [number, status] = std::move(under_way_.front());
    under_way_.pop_front();
    const MessageId id = status.message_id();
    const auto outcome = std::move(status).await_ack();
    if (outcome.has_error()) return complain(outcome.error());
    ++sent_.confirmed;
    if (!ledger_.has(number, id)) ++sent_.misnamed;
  }
  void complain(const Error& error) {
    if (sent_.failed++ == 0) std::fprintf(stderr, "first failure: %s\n", to_string(error).c_str());
  }

  const Load& load_;
  const Peer& peer_;
  const Ledger& ledger_;
  Sent& sent_;
  std::deque<std::pair<std::size_t, MessageStatus<DetachedConfirm>>> under_way_;
};

/// 0 if each message was confirmed, and came once.
int run(const Load& load) {
  scenarios::FreshAddresses addresses;
  Ledger ledger(load.messages);
  Sent sent;
  Node server({.plugins = load.plugins});
  const auto note = [&](Context& context, std::size_t number) {
    ledger.note(number, context.message_id);
  };
  server.add(ack("take", note, {.execution = Execution::inline_})).value();
  server.add(ack("take_spawned", note)).value();
  Node client({.plugins = load.plugins});
  const Peer peer = client.connect(server.listen(addresses.make(load.address)).value()).value();
  const auto start = std::chrono::steady_clock::now();

  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < load.threads; ++thread) {
    threads.emplace_back([&, thread] { Sender(load, peer, ledger, sent).send_from(thread); });
  }
  threads.clear();

  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto pending = static_cast<std::size_t>(client.counters().calls_pending);
  client.close().value();
  server.close().value();
  std::printf(
      "%s: %zu messages in %.1f s: %zu confirmed, %zu failed, %zu lost, %zu twice, %zu misnamed, "
      "%zu of nobody, %zu pending\n",
      load.address.c_str(), load.messages, took.count(), sent.confirmed.load(), sent.failed.load(),
      ledger.lost(), ledger.twice(), sent.misnamed.load(), ledger.strangers(), pending);
  const std::size_t wrong =
      sent.failed + ledger.lost() + ledger.twice() + sent.misnamed + ledger.strangers() + pending;
  return wrong == 0 && sent.confirmed == load.messages ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  CLI::App app("Sends confirmed messages over a transport and counts them at both ends.");
  app.add_option("ADDRESS", load.address,
                 "To listen at; {name} and {file} in it stand for a new name and socket file")
      ->required();
  app.add_option("--messages", load.messages)->check(CLI::Range(1, 1'000'000'000));
  app.add_option("--threads", load.threads, "That send")->check(CLI::Range(1, 1024));
  app.add_option("--outstanding", load.outstanding, "Messages under way of each thread")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--plugin", load.plugins, "Plugin files to use before any other");
  CLI11_PARSE(app, argc, argv);
  return run(load);
}
