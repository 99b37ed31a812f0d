// What the checks do not look at in ZeroMQ: pipes so small that they are full all the time.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <atomic>
#include <chrono>
#include <string>

namespace trestle {
namespace {

using namespace std::chrono_literals;

/// Both nodes serve `echo` and count what comes to `note`. They have no heartbeat, which would end
/// every stall.
class ZmqFlow : public testing::TestWithParam<const char*> {
 protected:
  ZmqFlow() {
    for (Node* node : {&server, &client}) {
      node->add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value();
      node->add(am("note", [this](int) { ++noted; }, {Execution::inline_})).value();
    }
  }

  /// Sends from this thread while the node's own sleeps; what does not fit has to wake it.
  void expect_floods_to_pass(const Peer& to) {
    constexpr int floods = 100;
    constexpr int messages = 100;
    for (int flood = 1; flood <= floods; ++flood) {
      for (int i = 0; i < messages; ++i) ASSERT_TRUE(to.send("note", i).has_value());
      ASSERT_TRUE(to.with_timeout(10s).call<int>("echo", flood).has_value()) << "flood " << flood;
      ASSERT_EQ(noted, flood * messages);
    }
  }

  std::atomic<int> noted = 0;
  Node server{{.heartbeat = 0ns}};
  Node client{{.heartbeat = 0ns}};
};

INSTANTIATE_TEST_SUITE_P(Uris, ZmqFlow, testing::Values("zmq+tcp://127.0.0.1:0", "zmq+ipc://*"),
                         [](const auto& parameter) {
                           return std::string(parameter.param).substr(4, 3);
                         });

TEST_P(ZmqFlow, FloodsPassAClientsSmallPipe) {
  const std::string uri = server.listen(GetParam()).value();
  const Peer there = client.connect(uri + "?sndhwm=1").value();

  expect_floods_to_pass(there);
}

TEST_P(ZmqFlow, FloodsPassAServersSmallPipe) {
  const std::string uri = server.listen(GetParam() + std::string("?sndhwm=1")).value();
  ASSERT_TRUE(client.connect(uri).value().call<int>("echo", 0).has_value());

  expect_floods_to_pass(server.peer(client.instance_id()));
}

}  // namespace
}  // namespace trestle
