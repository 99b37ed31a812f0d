// What stays behind: of a million messages nothing, of an idle connection little.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <string>

#include "countdown.hpp"
#include "counting.hpp"
#include "node_pair.hpp"

namespace trestle::guards {
namespace {

using namespace std::chrono_literals;

/// What this process holds.
struct Holdings {
  double heap_bytes = bytes_of(::mallinfo2());
  std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
  std::ptrdiff_t threads = entries_of("/proc/self/task");

  /// Large blocks are mappings of their own.
  static double bytes_of(const struct mallinfo2& heap) {
    return static_cast<double>(heap.uordblks + heap.hblkhd);
  }
  static std::ptrdiff_t entries_of(const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder),
                         std::filesystem::directory_iterator());
  }
};

class Growth : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { TRESTLE_SKIP_UNDER_SANITIZERS(); }
};

INSTANTIATE_TEST_SUITE_P(Transports, Growth,
                         ::testing::Values("manual", "inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& kind) {
                           const std::string uri = kind.param;
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(Growth, OfAMillionMessages) {
  NodePair pair(GetParam());
  const Payload small = Payload::copy(std::string(64, 'x'));
  const auto pass = [&](int messages) {
    pair.call_without_blocking(small, messages * 8 / 10, 256);
    for (int sent = 0; sent < messages / 10; sent += 1000) pair.send(small, 1000);
    pair.call("echo", small, messages / 100);
    pair.call("spawned", small, messages / 200);
  };
  pass(100'000);
  const Holdings before;

  pass(1'000'000);

  const Holdings after;
  expect_within(after.heap_bytes - before.heap_bytes, heap_growth, "bytes of heap");
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
}

/// False if the system does not let us.
bool allow_descriptors(rlim_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < count) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, count);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/// Another process with as many nodes, each of which makes one call and then keeps quiet: between
/// two nodes there is one connection.
class IdleClients {
 public:
  IdleClients(const std::string& uri, int count)
      : process_(::popen((std::string(IDLE_CONNECTIONS) + " '" + uri + "' --count " +
                          std::to_string(count) + " >/dev/null")
                             .c_str(),
                         "w")) {}
  IdleClients(const IdleClients&) = delete;
  IdleClients& operator=(const IdleClients&) = delete;
  ~IdleClients() { ::pclose(process_); }

 private:
  std::FILE* process_;  // its standard input; it ends with that
};

TEST(IdleConnections, HoldLittleHeap) {
  TRESTLE_SKIP_UNDER_SANITIZERS();
  constexpr int connections = 1000;
  if (!allow_descriptors(16 * connections)) GTEST_SKIP() << "too few descriptors allowed";
  Countdown calls;
  Node server;
  const auto echo = [&](Payload payload) {
    calls.count();
    return payload;
  };
  server.add(unary("echo", echo, {.execution = Execution::inline_})).value();
  const std::string uri = server.listen("unix://*").value();
  calls.start(1);
  const IdleClients first(uri, 1);
  ASSERT_TRUE(calls.wait_for(30s)) << "the first client did not connect";
  const Holdings before;

  calls.start(connections);
  const IdleClients others(uri, connections);
  ASSERT_TRUE(calls.wait_for(60s)) << "not all clients connected";

  const Holdings after;
  const double each = (after.heap_bytes - before.heap_bytes) / connections;
  EXPECT_GT(each, 0) << "the meter does not count";
  expect_within(each, idle_connection, "bytes of heap for each connection, on one side");
}

}  // namespace
}  // namespace trestle::guards
