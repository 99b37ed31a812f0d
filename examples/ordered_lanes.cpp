// Order where it matters: one lane for each sender, one for a resource, and batches.
#include <trestle/trestle.hpp>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using trestle::Batch;
using trestle::Context;
using trestle::Lane;
using trestle::Node;
using trestle::Peer;

/// What each sender booked.
struct Ledger {
  std::mutex mutex;
  std::map<trestle::InstanceId, std::vector<int>> booked;
  std::atomic<int> at_printer{0};
  std::atomic<bool> collided{false};
};

/// Bookings of one sender run in the order in which it sent them, those of several senders at the
/// same time, on the workers.
void serve_bookings(Node& node, Ledger& ledger) {
  node.add(trestle::ack("book",
                        [&ledger](int amount, Context& context) {
                          const std::lock_guard lock(ledger.mutex);
                          ledger.booked[context.sender].push_back(amount);
                        },
                        {.lane = Lane::per_sender()}))
      .value();
}

/// Two handlers that use one printer: never both at once. What does not fit in the lane is refused.
void serve_printer(Node& node, Ledger& ledger) {
  Lane printer = Lane::shared("printer");
  printer.waiting_max = 100;
  const auto print = [&ledger] {
    if (++ledger.at_printer != 1) ledger.collided = true;
    --ledger.at_printer;
  };
  node.add(trestle::ack("print invoice", print, {.lane = printer})).value();
  node.add(trestle::ack("print receipt", print, {.lane = printer})).value();
}

/// Up to three numbers are squared together, or what came within ten milliseconds; each caller gets
/// its own.
void serve_squares(Node& node) {
  node.add(trestle::unary(
               "square",
               [](const Batch<int>& batch) {
                 std::vector<int> squares;
                 for (const auto& one : batch) squares.push_back(one.value * one.value);
                 return squares;
               },
               {.batch = {.messages_max = 3, .delay_max = std::chrono::milliseconds(10)}}))
      .value();
}

int main() {
  Ledger ledger;
  Node server;
  serve_bookings(server, ledger);
  serve_printer(server, ledger);
  serve_squares(server);
  const std::string uri = server.listen("unix://*").value();

  Node ann, bob;
  const Peer of_ann = ann.connect(uri).value();
  const Peer of_bob = bob.connect(uri).value();
  for (int amount = 1; amount <= 4; ++amount) {
    of_ann.send("book", amount).value();
    of_bob.send("book", 10 * amount).value();
  }
  // In the same lane as the bookings before them: when these have ended, so have those.
  of_ann.confirm("book", 5).value();
  of_bob.confirm("book", 50).value();
  for (const auto& [name, node] : {std::pair<std::string, Node*>{"ann", &ann}, {"bob", &bob}}) {
    std::cout << name << " booked:";
    for (int amount : ledger.booked[node->instance_id()]) std::cout << ' ' << amount;
    std::cout << '\n';
  }

  for (int i = 0; i < 10; ++i) {
    of_ann.send("print invoice").value();
    of_bob.send("print receipt").value();
  }
  of_ann.confirm("print invoice").value();
  of_bob.confirm("print receipt").value();
  std::cout << "at the printer together: " << (ledger.collided ? "yes" : "never") << '\n';

  std::vector<std::future<trestle::Result<int>>> calls;
  for (int number : {2, 3, 4}) {
    calls.push_back(of_ann.async_call<int>("square", number, boost::asio::use_future));
  }
  std::cout << "squares:";
  for (auto& call : calls) std::cout << ' ' << call.get().value();
  std::cout << '\n';

  std::cout << "refused: " << server.dispatch_counts().refused.total() << '\n';
  return 0;
}
