// Who may change a node from afar, and what comes of it.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "raw_calls.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TestNetwork;

/// The lines of a node's log. Threads: any.
class Lines {
 public:
  LogFunction function() {
    return [this](LogLevel, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
    };
  }
  std::vector<std::string> with(std::string_view text) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      if (line.find(text) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Returns once `token` is stopped.
void wait_for(const std::stop_token& token) {
  std::promise<void> stopped;
  const std::stop_callback on_stop(token, [&] { stopped.set_value(); });
  stopped.get_future().wait();
}

TEST(Administration, AStrangerIsRefusedAndTheLogSaysWho) {
  Lines lines;
  Node server({.log = lines.function()});
  Node client;
  const Peer peer = client.connect(server.listen("tcp://127.0.0.1:0").value()).value();

  const auto shutdown = peer.request_shutdown();
  const auto registered = peer.register_service(client.instance_id(), "tcp://127.0.0.1:1");
  const auto removed = peer.remove_service(client.instance_id());

  for (const Error& error : {shutdown.error(), registered.error(), removed.error()}) {
    EXPECT_TRUE(error.is(Errc::not_permitted)) << error;
    EXPECT_EQ(error.ran, Ran::no);
  }
  EXPECT_THAT(shutdown.error().text, AllOf(HasSubstr("'_request_shutdown'"), HasSubstr("over tcp"),
                                           HasSubstr(to_string(client.instance_id()))));
  EXPECT_FALSE(server.stop_token().stop_requested());
  EXPECT_TRUE(peer.health_check().has_value()) << "questions stay free";
  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.not_permitted = 3}));
  server.close().value();
  auto audit = lines.with("refused peer");
  std::erase_if(audit, [](const std::string& line) { return !line.starts_with("refused"); });
  ASSERT_EQ(audit.size(), 1u) << "of one kind in one second; the others are a number";
  EXPECT_THAT(audit[0], AllOf(HasSubstr(to_string(client.instance_id())),
                              HasSubstr("'_request_shutdown'"), HasSubstr("nor authenticated")));
}

TEST(Administration, TheSameUserMayOverAUnixSocketInBothDirections) {
  Node server;
  Node client;
  const Peer to_server = client.connect(server.listen("unix://*").value()).value();
  const Peer to_client = server.peer(client.instance_id());
  ASSERT_TRUE(to_server.ping().has_value()) << "the server knows who dialled";

  const auto asked = to_client.request_shutdown();
  ASSERT_TRUE(asked.has_value()) << "the one who dialled is asked: " << asked.error();
  wait_for(client.stop_token());
  client.close().value();

  Node other;
  const Peer again = other.connect(server.info().address.endpoints().at(0)).value();
  ASSERT_TRUE(again.request_shutdown().has_value());
  wait_for(server.stop_token());
}

TEST(Administration, AnOptionOpensItToAnybodyOrToNobody) {
  Node open({.remote_administration = Administration::anybody});
  Node closed(
      {.remote_administration = Administration::nobody, .log = [](LogLevel, std::string_view) {}});
  Node client;

  EXPECT_TRUE(client.connect(open.listen("tcp://127.0.0.1:0").value())
                  .value()
                  .request_shutdown()
                  .has_value());
  const auto refused = client.connect(closed.listen("unix://*").value()).value().request_shutdown();

  wait_for(open.stop_token());
  EXPECT_THAT(refused.error().text, HasSubstr("for nobody"));
}

TEST(Administration, AShutdownDrainsAndCloses) {
  Node server({.log = [](LogLevel, std::string_view) {}});
  std::promise<void> started, may_end;
  const auto slow = [&] {
    started.set_value();
    may_end.get_future().wait();
    return 7;
  };
  server.add(unary("slow", slow)).value();
  Node client;
  const Peer peer = client.connect(server.listen("unix://*").value()).value();
  std::promise<Result<int>> reply;
  peer.async_call<int>("slow", 0, [&](const Result<int>& r) { reply.set_value(r); });
  started.get_future().wait();

  EXPECT_TRUE(peer.request_shutdown().has_value());
  wait_for(server.stop_token());
  EXPECT_TRUE(peer.call<int>("slow").error().is(Errc::draining));
  may_end.set_value();

  EXPECT_EQ(reply.get_future().get().value(), 7);
  EXPECT_TRUE(server.close().has_value());
  EXPECT_TRUE(server.listen("inproc://*").error().is(Errc::shut_down));
}

TEST(Administration, ManyMayAskForOneShutdown) {
  Node client;
  Node server;
  const Peer peer = client.connect(server.listen("unix://*").value()).value();
  std::vector<std::future<void>> asked;
  for (int i = 0; i < 4; ++i) {
    asked.push_back(std::async(std::launch::async, [&] { (void)peer.request_shutdown(); }));
  }

  for (auto& each : asked) each.get();

  EXPECT_TRUE(server.close().has_value());
}

class ByHand : public RawCalls {};

TEST_F(ByHand, AShutdownIsUpToWhoDrives) {
  raw->send(request(1, 1, "_request_shutdown", DeliveryMode::confirmed));

  raw->settle();

  EXPECT_EQ(acks(), 1u);
  EXPECT_TRUE(server.stop_token().stop_requested());
  EXPECT_TRUE(server.listen("inproc://*").has_value());
  EXPECT_TRUE(server.close().has_value());
}

TEST_F(ByHand, TheNamesOfTheSystemStay) {
  for (const char* name : {"_health_check", "_request_shutdown", "_statistics"}) {
    EXPECT_TRUE(server.remove(name).error().is(Errc::reserved_name)) << name;
    EXPECT_TRUE(server.add(unary(name, [] { return 1; })).error().is(Errc::reserved_name)) << name;
  }
}

TEST_F(ByHand, AServiceIsRegisteredOnceItIsConnected) {
  Node& service = network.add_node();
  service.add(unary("seven", [] { return 7; })).value();
  const std::string uri = service.listen("inproc://*").value();
  const std::string id = to_string(service.instance_id());

  raw->send(request(1, 1, "_register_service", DeliveryMode::with_response,
                    R"({"instance_id":")" + id + R"(","endpoint":")" + uri + R"("})"));
  network.settle();
  raw->settle();

  EXPECT_EQ(reply(),
            R"({"registered":true,"instance_id":")" + id + R"(","endpoint":")" + uri + R"("})");
  EXPECT_EQ(server.peer(service.instance_id()).call<int>("seven").value(), 7);
}

TEST_F(ByHand, AServiceThatIsNotThereIsRefusedWithTheReason) {
  Node& service = network.add_node();
  const std::string uri = service.listen("inproc://*").value();
  const auto refused = [&](std::uint32_t slot, const std::string& json) {
    raw->send(request(slot, 1, "_register_service", DeliveryMode::with_response, json));
    network.settle();
    raw->settle();
    return nack();
  };

  EXPECT_THAT(refused(1, R"({"instance_id":"nobody","endpoint":"inproc://x"})"),
              HasSubstr("'nobody' is no instance id"));
  EXPECT_THAT(refused(2, R"({"instance_id":")" + to_string(service.instance_id()) + "\"}"),
              HasSubstr("no endpoint"));
  EXPECT_THAT(refused(3, R"({"instance_id":")" + to_string(server.instance_id()) +
                             R"(","tcp_endpoint":")" + uri + R"("})"),
              HasSubstr("expected instance"));
}

TEST_F(ByHand, AServiceIsRemovedWithItsConnection) {
  Node& service = network.add_node();
  const Peer peer = service.connect(server.info().address.endpoints().at(0)).value();

  EXPECT_TRUE(peer.remove_service(service.instance_id()).value()) << "of itself";
  network.settle();

  EXPECT_FALSE(peer.is_connected());
  EXPECT_TRUE(server.peer(service.instance_id()).call<int>("x").error().is(Errc::unknown_peer));
  raw->send(request(1, 1, "_remove_service", DeliveryMode::with_response,
                    R"({"instance_id":")" + to_string(service.instance_id()) + R"(","rank":3})"));
  EXPECT_EQ(reply(), R"({"removed":false,"instance_id":")" + to_string(service.instance_id()) +
                         R"(","rank":3})");
}

}  // namespace
}  // namespace trestle
