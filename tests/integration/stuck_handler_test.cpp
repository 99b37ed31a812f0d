// Inline handlers that do not end, and nodes that are closed all the same.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const HandlerOptions in_turn{.execution = Execution::inline_};
constexpr auto patience = 10ms;
/// What close() may take beyond its timeout, and as much again where others need the CPU.
constexpr auto bound = 8s;

NodeOptions hasty() {
  return {.workers = 1, .close_timeout = patience, .log = [](LogLevel, std::string_view) {}};
}

/// A handler that ends when it is told to. What it uses outlives whoever made it.
class StuckHandler {
 public:
  Handler handler() const {
    return am(
        "stuck",
        [state = state_] {
          state->started.set_value();
          state->release.get_future().wait();
          state->ended.set_value();
        },
        in_turn);
  }
  void await_start() const { state_->started.get_future().wait(); }
  void let_go() const {
    state_->release.set_value();
    state_->ended.get_future().wait();
  }

 private:
  struct State {
    std::promise<void> started;
    std::promise<void> release;
    std::promise<void> ended;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// close() is over in time, and says why.
void expect_named(Node& node) {
  const auto start = std::chrono::steady_clock::now();

  const auto closed = node.close();

  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, patience);
  EXPECT_LT(took, bound);
  EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded)) << closed.error();
  EXPECT_THAT(closed.error().text, HasSubstr("inline handler 'stuck' that does not end"));
  EXPECT_TRUE(node.close().has_value()) << "again does nothing";
}

TEST(StuckInlineHandler, DoesNotHoldUpTheCloseAndIsNamed) {
  StuckHandler stuck;
  Node client(hasty());
  auto server = std::make_unique<Node>(hasty());
  server->add(stuck.handler()).value();
  const Peer peer = client.connect(server->listen("inproc://*").value()).value();
  ASSERT_TRUE(peer.send("stuck").has_value());
  stuck.await_start();

  expect_named(*server);
  server.reset();

  stuck.let_go();
}

TEST(StuckInlineHandler, LeavesEveryCallAnOutcome) {
  StuckHandler stuck;
  Node client(hasty());
  std::optional<Reply<int>> held;
  std::promise<void> asked;
  client
      .add(unary("hold",
                 [&](Reply<int> reply) {
                   held = std::move(reply);
                   asked.set_value();
                 }))
      .value();
  auto server = std::make_unique<Node>(hasty());
  server->add(stuck.handler()).value();
  const Peer peer = client.connect(server->listen("inproc://*").value()).value();
  ASSERT_TRUE(peer.ping().has_value());
  std::promise<Errc> outcome;
  server->peer(client.instance_id()).async_call<int>("hold", [&](const Result<int>& result) {
    outcome.set_value(static_cast<Errc>(result.error().code.value()));
  });
  asked.get_future().wait();
  ASSERT_TRUE(peer.send("stuck").has_value());
  stuck.await_start();

  expect_named(*server);

  EXPECT_NO_THROW(outcome.get_future().get());
  server.reset();
  stuck.let_go();
  held.reset();
}

TEST(StuckInlineHandler, OnAThreadThatCallsDoesNotHoldUpTheClose) {
  StuckHandler stuck;
  Node server(hasty());
  std::optional<Reply<int>> held;
  std::promise<void> asked;
  server
      .add(unary("hold",
                 [&](Reply<int> reply) {
                   held = std::move(reply);
                   asked.set_value();
                 }))
      .value();
  Node client(hasty());
  client.add(stuck.handler()).value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  std::promise<Result<int>> outcome;
  std::thread caller([&] { outcome.set_value(peer.call<int>("hold")); });
  asked.get_future().wait();  // that thread drives the client
  ASSERT_TRUE(server.peer(client.instance_id()).send("stuck").has_value());
  stuck.await_start();

  expect_named(client);

  stuck.let_go();
  caller.join();
  EXPECT_TRUE(outcome.get_future().get().has_error());
  held.reset();
}

}  // namespace
}  // namespace trestle
