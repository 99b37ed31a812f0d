// Whole nodes whose large payloads are read by the other side: libfabric with bulk=on.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/use_future.hpp>
#include <trestle/async.hpp>
#include <trestle/statistics.hpp>
#include <trestle/trestle.hpp>

#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <string>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t large = 3 * 1024 * 1024;

std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i + seed) * 40503u >> 7);
  return bytes;
}

std::uint64_t packet_bytes_received(Node& node) {
  return node.statistics().transports.at(0).bytes_received;
}

class OfiBulk : public testing::Test {
 protected:
  OfiBulk() {
    server.add(unary("echo", [](Encoded in) { return in; })).value();
    server.add(am("note", [this](Payload bytes) { note(bytes.size()); }, {Execution::inline_}))
        .value();
    uri = server.listen("ofi+tcp://127.0.0.1:0?bulk=on").value();
  }
  Payload made(std::size_t size, unsigned seed) { return Payload::copy(pattern(size, seed)); }

  void note(std::size_t size) {
    const std::lock_guard lock(mutex);
    noted.push_back(size);
    changed.notify_all();
  }
  /// From then on nothing else touches `noted`.
  bool wait_for_notes(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, [&] { return noted.size() == count; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::size_t> noted;
  Node server;
  std::string uri;
};

TEST_F(OfiBulk, CarriesRequestsAndRepliesOutsideOfPackets) {
  Node client;
  const Peer there = client.connect(uri).value();

  const auto reply = there.call<Payload>("echo", made(large, 1));

  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  EXPECT_EQ(reply->text(), pattern(large, 1));
  EXPECT_LT(packet_bytes_received(server), 10'000u);
  EXPECT_LT(packet_bytes_received(client), 10'000u);
}

TEST_F(OfiBulk, SendsPacketsToWhoDidNotAskForIt) {
  Node client;
  const Peer there = client.connect(uri.substr(0, uri.find('?'))).value();

  const auto reply = there.call<Payload>("echo", made(large, 2));

  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  EXPECT_EQ(reply->text(), pattern(large, 2));
  EXPECT_GT(packet_bytes_received(server), large);
}

TEST_F(OfiBulk, KeepsTheOrderOfLargeAndSmallMessages) {
  Node client;
  const Peer there = client.connect(uri).value();
  std::vector<std::size_t> sent;

  for (unsigned i = 0; i < 60; ++i) {
    sent.push_back(i % 3 == 0 ? large + i : 10 + i);
    ASSERT_TRUE(there.send("note", made(sent.back(), i)).has_value());
  }

  ASSERT_TRUE(wait_for_notes(sent.size()));
  EXPECT_EQ(noted, sent);
}

TEST_F(OfiBulk, BothSidesPullAtOnce) {
  Node client;
  const Peer there = client.connect(uri).value();
  std::vector<std::future<Result<Payload>>> replies;

  for (unsigned i = 0; i < 16; ++i) {
    replies.push_back(
        there.async_call<Payload>("echo", made(large + i, i), boost::asio::use_future));
  }

  for (unsigned i = 0; i < 16; ++i) {
    const auto reply = replies[i].get();
    ASSERT_TRUE(reply.has_value()) << reply.error().text;
    EXPECT_TRUE(reply->text() == pattern(large + i, i)) << i;
  }
}

TEST_F(OfiBulk, AMessageArrivesAlthoughItsSenderCloses) {
  {
    Node client;
    const Peer there = client.connect(uri).value();
    ASSERT_TRUE(there.send("note", made(large, 1)).has_value());
    static_cast<void>(client.close());
  }

  ASSERT_TRUE(wait_for_notes(1));
  EXPECT_EQ(noted, std::vector<std::size_t>{large});
}

TEST_F(OfiBulk, ACallWhoseDeadlinePassesLeavesTheConnectionSound) {
  Node client;
  const Peer there = client.connect(uri).value();
  ASSERT_TRUE(there.call<Payload>("echo", Payload()).has_value());

  for (int i = 0; i < 20; ++i) {
    const auto late = there.with_timeout(100us).call<Payload>("echo", made(large, 1));
    EXPECT_TRUE(late.has_value() || late.error().is(Errc::deadline_exceeded));
  }

  const auto reply = there.call<Payload>("echo", made(large, 5));
  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  EXPECT_EQ(reply->text(), pattern(large, 5));
}

/// A process that serves until it is killed. Made before this process has threads.
class ServerProcess {
 public:
  ServerProcess() {
    int ends[2];
    if (::pipe(ends) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) serve(ends[1]);
    ::close(ends[1]);
    char text[200];
    const ssize_t size = ::read(ends[0], text, sizeof(text));
    if (size > 0) uri_.assign(text, static_cast<std::size_t>(size));
    ::close(ends[0]);
  }
  ~ServerProcess() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  const std::string& uri() const { return uri_; }

 private:
  [[noreturn]] static void serve(int out) {
    Node node;
    node.add(unary("echo", [](Encoded in) { return in; })).value();
    const std::string uri = node.listen("ofi+tcp://127.0.0.1:0?bulk=on").value();
    if (::write(out, uri.data(), uri.size()) > 0) {
      while (true) ::pause();
    }
    ::_exit(1);
  }

  pid_t pid_ = -1;
  std::string uri_;
};

TEST(OfiBulkDeathTest, EndsCallsOfAPeerThatIsKilledInTheMiddle) {
  ServerProcess server;
  int released = 0;
  const std::string bytes = pattern(large, 1);
  {
    Node client;
    const Peer there = client.connect(server.uri()).value();
    std::vector<std::future<Result<Payload>>> replies;
    for (int i = 0; i < 8; ++i) {
      auto lent = Payload::lend(
          as_bytes(bytes), [](void* count) noexcept { ++*static_cast<int*>(count); }, &released);
      replies.push_back(
          there.async_call<Payload>("echo", std::move(lent), boost::asio::use_future));
    }
    ASSERT_TRUE(replies[0].get().has_value()) << "so it is in the middle of the others";

    server.kill();

    for (std::size_t i = 1; i < replies.size(); ++i) {
      const auto reply = replies[i].get();
      EXPECT_TRUE(reply.has_value() || reply.error().is(Errc::connection_lost));
    }
  }
  EXPECT_EQ(released, 8) << "all memory came back";
}

}  // namespace
}  // namespace trestle
