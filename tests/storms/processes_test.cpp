// A process that ends, or forks, while a node of it lives.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <trestle/trestle.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;

NodeOptions quiet() {
  return {.close_timeout = 50ms, .log = [](LogLevel, std::string_view) {}};
}

/// A node that serves itself and others.
struct Server {
  explicit Server(const std::string& at) : node(quiet()) {
    const auto echo = [](int value) { return value; };
    node.add(unary("echo", echo, {Execution::inline_})).value();
    node.add(unary("spawned", echo)).value();
    const auto never = [this](int, Reply<int> reply) {
      const std::lock_guard lock(mutex);
      held.push_back(std::move(reply));
    };
    node.add(unary("never", never)).value();
    uri = node.listen(at).value();
  }

  std::mutex mutex;
  std::vector<Reply<int>> held;
  Node node;
  std::string uri;
};

class Processes : public ::testing::TestWithParam<const char*> {
 protected:
  Processes() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

INSTANTIATE_TEST_SUITE_P(Uris, Processes,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& parameter) {
                           const std::string uri(parameter.param);
                           return uri.substr(0, uri.find(':'));
                         });

/// With calls under way, so that threads of the nodes are busy while the process ends.
[[noreturn]] void exit_with(Server& server, Server& client) {
  const Peer peer = client.node.connect(server.uri).value();
  for (int i = 0; i < 100; ++i) {
    peer.async_call<int>("spawned", i, [](const Result<int>&) {});
    peer.async_call<int>("never", i, [](const Result<int>&) {});
  }
  if (peer.call<int>("echo", 7).value() != 7) std::abort();
  std::exit(0);
}

TEST_P(Processes, MayExitWithNodesThatAreStatic) {
  EXPECT_EXIT(
      {
        static Server server(GetParam());
        static Server client(GetParam());
        exit_with(server, client);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_P(Processes, MayExitWithNodesThatAreNeverDestroyed) {
  EXPECT_EXIT(
      {
        static Server& server = *new Server(GetParam());
        static Server& client = *new Server(GetParam());
        exit_with(server, client);
      },
      ::testing::ExitedWithCode(0), "");
}

/// What a forked child finds; its exit status says what was wrong.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::alarm(20);  // a hang ends as a death by signal
    ::_exit(body());
  }

  int status() const {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

bool is_of_the_parent(const Error& error) {
  return error.is(Errc::shut_down) && error.text.find("fork") != std::string::npos;
}

/// Uses all that the parent left: 0, or which use had another end than an error.
int use_what_is_left(Node& node, Peer peer, const std::string& uri) {
  const auto called = peer.with_timeout(10s).call<int>("echo", 7);
  if (called.has_value() || !is_of_the_parent(called.error())) return 1;
  if (peer.send("echo", 7).has_value()) return 2;
  if (peer.ping().has_value()) return 3;
  if (peer.confirm("echo", 7).has_value()) return 4;
  bool told = false;
  peer.async_call<int>("echo", 7, [&told](const Result<int>& r) { told = r.has_error(); });
  if (!told) return 5;
  const auto connected = node.connect(uri);
  if (connected.has_value() || !is_of_the_parent(connected.error())) return 6;
  const auto listening = node.listen("inproc://*");
  if (listening.has_value() || !is_of_the_parent(listening.error())) return 7;
  if (node.close().has_error()) return 8;
  return 0;
}

TEST_P(Processes, ThatForkLeaveTheChildAnErrorForEachUseOfANode) {
  Server server(GetParam());
  std::optional<Node> client(std::in_place, quiet());
  const Peer peer = client->connect(server.uri).value();
  std::atomic<bool> stopping{false};
  std::vector<std::jthread> callers;
  for (const char* handler : {"echo", "spawned"}) {
    callers.emplace_back([&, handler] {
      while (!stopping) EXPECT_EQ(peer.call<int>(handler, 7).value(), 7);
    });
  }

  for (int i = 0; i < 20; ++i) {
    const Child child([&] {
      const int wrong = use_what_is_left(*client, peer, server.uri);
      client.reset();
      return wrong;
    });
    EXPECT_EQ(child.status(), 0);
    EXPECT_EQ(peer.call<int>("echo", i).value(), i) << "the parent goes on";
  }
  stopping = true;
}

TEST_P(Processes, ThatForkMayMakeANodeInTheChild) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan allows no new threads in the child of a process that has several";
#endif
  Server server(GetParam());
  Node client(quiet());
  const Peer peer = client.connect(server.uri).value();
  ASSERT_EQ(peer.call<int>("echo", 7).value(), 7);

  const Child child([] {
    Server fresh(GetParam());
    Node caller(quiet());
    const auto found = caller.connect(fresh.uri);
    return found.has_value() && found->call<int>("spawned", 7).value() == 7 ? 0 : 1;
  });

  EXPECT_EQ(child.status(), 0);
  EXPECT_EQ(peer.call<int>("echo", 8).value(), 8);
}

}  // namespace
}  // namespace trestle
