// Asynchronous calls in every style but coroutines: a future, a function, a function on an executor
// of one's own, and a deadline for those that take too long.
#include <trestle/trestle.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <iostream>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using trestle::Node;
using trestle::Peer;
using trestle::Result;

void with_futures(const Peer& peer) {
  std::vector<std::future<Result<int>>> squares;
  for (int i = 1; i <= 3; ++i) {
    squares.push_back(peer.async_call<int>("square", i, asio::use_future));
  }
  for (auto& square : squares) std::cout << "future: " << square.get().value() << '\n';
}

/// The function runs on whichever thread drives the node: keep it short.
void with_a_function(const Peer& peer) {
  std::promise<void> done;
  peer.async_call<int>("square", 4, [&done](const Result<int>& square) {
    std::cout << "function: " << square.value() << '\n';
    done.set_value();
  });
  done.get_future().wait();
}

/// The function runs in run(), on this thread, and may take its time.
void on_an_executor(const Peer& peer) {
  asio::io_context context;
  peer.async_call<int>("square", 5, asio::bind_executor(context, [](const Result<int>& square) {
                         std::cout << "io_context: " << square.value() << '\n';
                       }));
  context.run();
}

void with_a_deadline(const Peer& peer) {
  const auto late = peer.with_timeout(10ms).async_call<int>("slow", 0, asio::use_future).get();
  std::cout << "deadline: " << to_string(static_cast<trestle::Errc>(late.error().code.value()))
            << '\n';
}

int main() {
  std::promise<void> over;
  Node server, client;
  server.add(trestle::unary("square", [](int value) { return value * value; })).value();
  server.add(trestle::unary("slow", [end = over.get_future().share()](int) { end.wait(); }))
      .value();
  const Peer peer = client.connect(server.listen("unix://*").value()).value();

  with_futures(peer);
  with_a_function(peer);
  on_an_executor(peer);
  with_a_deadline(peer);
  over.set_value();
  return 0;
}
