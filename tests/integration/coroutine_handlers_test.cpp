// Handlers that are coroutines: what they return, what they keep, where they run, how they end.
#include <gmock/gmock.h>
#include <trestle/coroutine.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>
#include <trestle/type_name.hpp>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/describe/class.hpp>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace trestle {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::TestNetwork;
template <class T>
using Task = asio::awaitable<T>;

/// Comes back on the same strand, later.
Task<void> pass() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

struct Order {
  std::string item;
  int count = 0;
};
BOOST_DESCRIBE_STRUCT(Order, (), (item, count))

class CoroutineHandlers : public ::testing::Test {
 protected:
  void add(Handler handler) { server.add(std::move(handler)).value(); }
  Peer connect() { return client.connect(server.listen("inproc://*").value()).value(); }

  Node server;
  Node client;
};

TEST_F(CoroutineHandlers, GiveWhatPlainHandlersGive) {
  add(unary("value", [](int in) -> Task<int> {
    co_await pass();
    co_return in + 1;
  }));
  add(unary("result", [](int in) -> Task<Result<int>> {
    co_await pass();
    if (in < 0) co_return refuse("negative");
    co_return in;
  }));
  add(unary("nothing", []() -> Task<void> { co_await pass(); }));
  add(ack("ack", [](int in) -> Task<Result<void>> {
    co_await pass();
    if (in < 0) co_return refuse("negative");
    co_return Result<void>();
  }));
  add(ack("plain ack", []() -> Task<void> { co_return; }));
  add(unary("throws", []() -> Task<int> {
    co_await pass();
    throw std::runtime_error("broken");
  }));
  const Peer peer = connect();

  EXPECT_EQ(peer.call<int>("value", 1).value(), 2);
  EXPECT_EQ(peer.call<int>("result", 1).value(), 1);
  EXPECT_EQ(peer.call<int>("result", -1).error().text, "negative");
  EXPECT_TRUE(peer.call<void>("nothing").has_value());
  EXPECT_EQ(peer.contract("value").value(),
            (HandlerContract{HandlerKind::unary, type_name<int>(), type_name<int>()}));
  EXPECT_TRUE(peer.confirm("ack", 1).has_value());
  EXPECT_EQ(peer.confirm("ack", -1).error().text, "negative");
  EXPECT_TRUE(peer.confirm("plain ack").has_value());
  EXPECT_EQ(peer.call<int>("throws").error().text, "throws threw: broken");
  EXPECT_TRUE(peer.call<int>("value", std::string("x")).error().is(Errc::undecodable));
}

TEST_F(CoroutineHandlers, KeepWhatTheyTakeByReferenceAndWhatTheyCaptured) {
  const std::string long_text(100, 'c');
  add(unary("struct", [long_text](const Order& order, Context& context) -> Task<std::string> {
    co_await pass();
    co_return order.item + std::string(context.handler_name) + long_text;
  }));
  add(unary("view",
            [](BytesView bytes) -> Task<std::string> {
              co_await pass();
              co_return std::string(as_text(bytes));
            },
            {Execution::inline_}));
  add(unary("payload", [](Payload bytes) -> Task<Payload> {
    co_await pass();
    co_return std::move(bytes);
  }));
  add(unary("encoded",
            [](const Encoded& in) -> Task<std::string> {
              co_await pass();
              co_return std::string(in.payload.text());
            },
            {Execution::inline_}));
  const Peer peer = connect();
  const std::string text(300, 't');

  EXPECT_EQ(peer.call<std::string>("struct", in_place<Order>, text, 1).value(),
            text + "struct" + long_text);
  EXPECT_EQ(peer.call<std::string>("view", Payload::copy(text)).value(), text);
  EXPECT_EQ(peer.call<Payload>("payload", Payload::copy(text)).value().text(), text);
  EXPECT_EQ(peer.call<std::string>("encoded", Payload::copy(text)).value(), text);
}

TEST_F(CoroutineHandlers, RunOnAStrandOfTheirOwn) {
  add(unary("many", []() -> Task<int> {
    // Without a strand, what runs at once would race for the plain counter.
    int sum = 0;
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i < 100; ++i) asio::post(executor, [&sum] { ++sum; });
    co_await asio::post(executor, asio::use_awaitable);
    co_return sum;
  }));

  EXPECT_EQ(connect().call<int>("many").value(), 100);
}

TEST_F(CoroutineHandlers, CallTheNextNode) {
  Node third;
  third.add(unary("price", [](const std::string& item) { return static_cast<int>(item.size()); }))
      .value();
  const Peer prices = server.connect(third.listen("inproc://*").value()).value();
  add(unary("total", [prices](const Order& order) -> Task<Result<int>> {
    const Result<int> price = co_await prices.async_call<int>("price", order.item);
    if (price.has_error()) co_return price.error();
    co_return *price* order.count;
  }));

  EXPECT_EQ(connect().call<int>("total", in_place<Order>, "apple", 3).value(), 15);
}

TEST_F(CoroutineHandlers, PassACancellationOnToTheNextNode) {
  Node third;
  std::promise<std::stop_token> reached;
  std::promise<void> stopped;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  third
      .add(unary("wait",
                 [&](Context& context, Reply<int> reply) {
                   on_stop.emplace(context.stop_token(), [&stopped, reply] {
                     reply.fail("stopped");
                     stopped.set_value();
                   });
                   reached.set_value(context.stop_token());
                 }))
      .value();
  const Peer next = server.connect(third.listen("inproc://*").value()).value();
  std::promise<Error> between;
  add(unary("relay", [&, next]() -> Task<int> {
    const Result<int> result = co_await next.async_call<int>("wait");
    between.set_value(result.error());
    co_return 0;
  }));
  std::stop_source source;
  const Peer peer = connect().with({.stop = source.get_token()});
  auto outcome = peer.async_call<int>("relay")(asio::use_future);
  reached.get_future().wait();

  source.request_stop();

  EXPECT_TRUE(outcome.get().error().is(Errc::cancelled));
  EXPECT_TRUE(between.get_future().get().is(Errc::cancelled));
  stopped.get_future().wait();
}

TEST_F(CoroutineHandlers, WaitForTimersWithoutAWorker) {
  add(unary("sleepy", []() -> Task<int> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return 1;
  }));
  const Peer peer = connect();

  std::vector<std::future<Result<int>>> replies;
  for (int i = 0; i < 100; ++i) replies.push_back(peer.async_call<int>("sleepy")(asio::use_future));
  for (auto& reply : replies) EXPECT_EQ(reply.get().value(), 1);
}

TEST(CoroutineHandlersByHand, HoldTheirPermitUntilTheyEnd) {
  TestNetwork network;
  Node& server = network.add_node();
  Node& client = network.add_node();
  std::vector<asio::any_io_executor> waiting;
  std::vector<std::unique_ptr<asio::steady_timer>> gates;
  server
      .add(unary("one",
                 [&gates](int in) -> Task<int> {
                   gates.push_back(std::make_unique<asio::steady_timer>(
                       co_await asio::this_coro::executor, asio::steady_timer::time_point::max()));
                   co_await gates.back()->async_wait(asio::as_tuple(asio::use_awaitable));
                   co_return in;
                 },
                 {.concurrency_max = 1}))
      .value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  std::vector<int> ended;
  for (int i = 0; i < 2; ++i) {
    peer.async_call<int>("one", i, [&](const Result<int>& r) { ended.push_back(r.value()); });
  }

  network.settle();
  EXPECT_EQ(gates.size(), 1u);
  EXPECT_TRUE(ended.empty());
  while (ended.size() < 2) {
    for (auto& gate : gates) gate->cancel();  // its thread posts the coroutine to the node
    network.settle();
  }

  EXPECT_EQ(ended, (std::vector{0, 1}));
}

TEST_F(CoroutineHandlers, AreDestroyedWhenTheirNodeEnds) {
  const auto alive = std::make_shared<int>(1);
  std::promise<void> waits;
  auto ender = std::make_unique<Node>(NodeOptions{.close_timeout = 10ms, .log = [](auto, auto) {}});
  ender
      ->add(unary("for ever",
                  [alive, &waits]() -> Task<int> {
                    const auto held = alive;
                    asio::steady_timer timer(co_await asio::this_coro::executor,
                                             asio::steady_timer::time_point::max());
                    waits.set_value();
                    co_await timer.async_wait(asio::use_awaitable);
                    co_return *held;
                  }))
      .value();
  const Peer peer = client.connect(ender->listen("inproc://*").value()).value();
  auto reply = peer.async_call<int>("for ever")(asio::use_future);
  waits.get_future().wait();

  ender.reset();

  EXPECT_TRUE(reply.get().has_error());
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(CoroutineHandlers, OutliveTheirNodeIfAnotherHasTheOutcome) {
  const auto alive = std::make_shared<int>(1);
  std::promise<void> asked;
  std::vector<Reply<int>> held;
  server
      .add(unary("held",
                 [&](Reply<int> reply) {
                   held.push_back(std::move(reply));
                   asked.set_value();
                 },
                 {Execution::inline_}))
      .value();
  Peer slow = connect();
  auto ender = std::make_unique<Node>(NodeOptions{.close_timeout = 10ms, .log = [](auto, auto) {}});
  ender
      ->add(unary("ask",
                  [alive, slow]() -> Task<int> {
                    const auto kept = alive;
                    co_return (co_await slow.async_call<int>("held")).value();
                  }))
      .value();
  auto reply = client.connect(ender->listen("inproc://*").value())
                   .value()
                   .async_call<int>("ask")(asio::use_future);
  asked.get_future().wait();

  ender.reset();
  EXPECT_TRUE(reply.get().has_error());
  held.front()(1);
  client.close().value();

  EXPECT_EQ(alive.use_count(), 1);
}

TEST(NodeExecutor, RunsWhatIsPostedOnWorkers) {
  Node node;
  std::promise<std::thread::id> where;

  asio::post(node.executor(), [&] { where.set_value(std::this_thread::get_id()); });

  EXPECT_TRUE(where.get_future().get() != std::this_thread::get_id());
  EXPECT_EQ(node.executor(), node.executor());
  EXPECT_EQ(asio::co_spawn(node.executor(), pass(), asio::use_future).wait_for(30s),
            std::future_status::ready);
}

TEST(NodeExecutor, LogsWhatAFunctionThrows) {
  std::promise<std::string> line;
  Node node(NodeOptions{
      .log = [&](LogLevel, std::string_view text) { line.set_value(std::string(text)); }});

  asio::post(node.executor(), [] { throw std::runtime_error("broken"); });

  EXPECT_THAT(line.get_future().get(), HasSubstr("threw: broken"));
}

TEST(NodeExecutor, RunsInPollWhenDrivenByHand) {
  TestNetwork network;
  Node& node = network.add_node();
  int ran = 0;
  asio::any_io_executor executor = asio::make_strand(node.executor());

  asio::post(executor, [&] { ++ran; });
  EXPECT_EQ(ran, 0);
  node.poll();

  EXPECT_EQ(ran, 1);
}

TEST(NodeExecutor, DropsWhatComesTooLate) {
  const auto alive = std::make_shared<int>(1);
  auto node = std::make_unique<Node>();
  const asio::any_io_executor plain = node->executor();
  const asio::any_io_executor strand = asio::make_strand(node->executor());
  node.reset();

  asio::post(plain, [alive] { FAIL(); });
  asio::post(strand, [alive] { FAIL(); });

  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace trestle
