// Calls that end before their handlers do: by a stop token, and by a deadline. Either is told to
// the peer, and by it to the next, so that nobody works for nothing.
#include <trestle/trestle.hpp>

#include <boost/asio/use_future.hpp>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <string>

using namespace std::chrono_literals;
using trestle::Context;
using trestle::Node;
using trestle::Peer;
using trestle::Result;

using Signal = std::counting_semaphore<>;

/// A search that takes for ever, unless it is stopped.
std::string serve_archive(Node& node, Signal& searching, Signal& stopped) {
  node.add(trestle::unary("search",
                          [&](Context& context) -> Result<int> {
                            searching.release();
                            std::mutex mutex;
                            std::condition_variable_any wake;
                            std::unique_lock lock(mutex);
                            wake.wait(lock, context.stop_token(), [] { return false; });
                            stopped.release();
                            return trestle::refuse("stopped");  // nobody waits for it any more
                          }))
      .value();
  return node.listen("unix://*").value();
}

/// Asks the archive on behalf of its caller: within() hands deadline and cancellation on.
std::string serve_desk(Node& node, const Peer& archive) {
  node.add(trestle::unary(
               "find",
               [archive](Context& context) { return archive.within(context).call<int>("search"); }))
      .value();
  return node.listen("unix://*").value();
}

void print(const char* what, const Result<int>& outcome) {
  std::cout << what << ": " << outcome.error() << '\n';
}

int main() {
  Signal searching(0), stopped(0);
  Node archive, desk, client;
  const std::string uri = serve_archive(archive, searching, stopped);
  const Peer peer = client.connect(serve_desk(desk, desk.connect(uri).value())).value();

  // A stop token ends the wait at once. The search ends soon after; what it says is dropped.
  std::stop_source stop;
  auto found =
      peer.with({.stop = stop.get_token()}).async_call<int>("find")(boost::asio::use_future);
  searching.acquire();
  stop.request_stop();
  print("stop", found.get());
  stopped.acquire();
  std::cout << "the search was stopped, too\n";

  // One deadline for the whole call, here and at both peers.
  print("deadline", peer.with_timeout(50ms).call<int>("find"));
  return 0;
}
