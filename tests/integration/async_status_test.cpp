// Messages under way whose phases are awaited with completion tokens.
#include <gmock/gmock.h>
#include <trestle/async_status.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/describe/class.hpp>
#include <optional>

namespace trestle {
namespace {

namespace asio = boost::asio;

/// An aggregate, which must not be made in braces inside a co_await expression.
struct Line {
  std::string text;
  int times = 0;
};
BOOST_DESCRIBE_STRUCT(Line, (), (text, times))

class AsyncStatus : public ::testing::Test {
 protected:
  AsyncStatus() {
    server.add(unary("double", [](int value) { return 2 * value; })).value();
    server.add(unary("print", [](const Line& line) { return line.text; })).value();
    server
        .add(ack("check",
                 [](int value) -> Result<void> {
                   if (value < 0) return refuse("negative");
                   return {};
                 }))
        .value();
    peer = client.connect(server.listen("inproc://*").value()).value();
  }

  Node server;
  Node client;
  Peer peer;
};

asio::awaitable<void> await_phases(Node& client, Peer peer, int& done) {
  auto status =
      client.message("double").payload(4).expect_response<int>().send_detached(peer).value();
  const Result<void> accepted = co_await async_await_accepted(status);
  EXPECT_TRUE(accepted.has_value());
  const Result<int> response = co_await async_await_response(std::move(status));
  EXPECT_EQ(response.value(), 8);

  auto receipt = client.message("check").payload(1).detach_receipt().send(peer).value();
  auto delivered = co_await async_await_delivery(std::move(receipt));
  EXPECT_EQ(delivered.value().contract().kind, HandlerKind::ack);
  const Result<void> ended = co_await async_await_ack(std::move(*delivered));
  EXPECT_TRUE(ended.has_value());

  const std::string text = "a long text that no small buffer holds, which is freed once";
  const Result<std::string> at_once =
      co_await async_await_response(peer.message("print")
                                        .header("trace", text)
                                        .payload(in_place<Line>, text, 1)
                                        .expect_response<std::string>()
                                        .send_detached()
                                        .value());
  EXPECT_EQ(at_once.value(), text);
  ++done;
}

TEST_F(AsyncStatus, IsAwaitedInCoroutines) {
  asio::io_context context;
  int done = 0;

  asio::co_spawn(context, await_phases(client, peer, done), asio::detached);
  context.run();

  EXPECT_EQ(done, 1);
}

TEST_F(AsyncStatus, MakesFutures) {
  auto good = client.message("check").payload(1).send_detached(peer).value();
  auto bad = client.message("check").payload(-1).send_detached(peer).value();
  auto unfit = client.message("double").payload(1).detach_receipt().send(peer).value();

  EXPECT_TRUE(async_await_ack(std::move(good), asio::use_future).get().has_value());
  EXPECT_EQ(async_await_ack(std::move(bad), asio::use_future).get().error().text, "negative");
  EXPECT_TRUE(async_await_delivery(std::move(unfit), asio::use_future)
                  .get()
                  .error()
                  .is(Errc::kind_mismatch));
}

TEST_F(AsyncStatus, GivesItsOutcomeOnce) {
  auto status = client.message("check").payload(1).send_detached(peer).value();
  const auto operation = async_await_ack(std::move(status));

  EXPECT_TRUE(operation(asio::use_future).get().has_value());
  EXPECT_TRUE(operation(asio::use_future).get().error().is(Errc::invalid_argument));
}

}  // namespace
}  // namespace trestle
