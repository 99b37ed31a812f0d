// A server that strangers trouble, and a peer that it has to serve all the while.
#pragma once

#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stranger.hpp"

namespace trestle::hostile {

using namespace std::chrono_literals;

/// An honest peer that makes one call after the other until its end.
class Bystander {
 public:
  explicit Bystander(const std::string& uri);
  ~Bystander() { stop(); }

  struct Service {
    int calls = 0;
    int served = 0;
    std::chrono::nanoseconds longest{0};
  };
  /// Ends it; what became of its calls.
  Service stop();
  int calls() const { return calls_.load(std::memory_order_relaxed); }

 private:
  void call_until_stopped();

  Node node_;
  Peer server_;
  Service service_;
  std::atomic<bool> stopping_{false};  // relaxed, both: the join publishes the rest
  std::atomic<int> calls_{0};
  std::thread thread_;
};

/// One server for each test, at a socket of the kind that is the test's parameter.
class Siege : public ::testing::TestWithParam<const char*> {
 protected:
  Siege() : Siege(NodeOptions()) {}
  explicit Siege(NodeOptions options);

  /// At least 99 of 100 calls of the bystander were served, each within a second.
  void expect_bystander_was_served();
  /// Waits, a few seconds at most, until that is so.
  bool comes_true(const std::function<bool()>& condition) const;
  std::vector<std::string> lines();
  int lines_with(const std::string& text);

  std::mutex mutex_;
  std::vector<std::string> lines_;
  Node server_;
  const std::string uri_;
  std::optional<Bystander> bystander_;
};

/// How often a test does what it repeats: `usually`, or `in_long` where TRESTLE_HOSTILE_LONG is
/// set, as `scripts/scenarios --long` does.
int times(int usually, int in_long);
bool is_long();

/// How many descriptors this process has.
std::size_t descriptors();

/// What this process has allocated.
double heap_bytes();

/// Sockets that strangers can reach.
inline auto all_sockets() {
  return ::testing::Values("tcp://127.0.0.1:0", "unix://*");
}
/// For the name of a test.
inline std::string scheme_of(const ::testing::TestParamInfo<const char*>& info) {
  const std::string uri = info.param;
  return uri.substr(0, uri.find(':'));
}

}  // namespace trestle::hostile
