// Cancellation slots: what ends a call before its time, and what of it reaches the peer.
#include <gmock/gmock.h>
#include <trestle/coroutine.hpp>
#include <trestle/trestle.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <vector>

#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::cancellation_type;

class AsyncCancellation : public test_support::TwoNodes {
 protected:
  AsyncCancellation() {
    server
        .add(unary("held", [this](Reply<int> reply) { held.push_back(std::move(reply)); },
                   {Execution::inline_}))
        .value();
  }
  void TearDown() override {
    held.clear();
    network.settle();
    TwoNodes::TearDown();
  }

  /// Calls "held"; what it ends with is in `outcome`.
  void call() {
    peer.async_call<int>("held")(
        asio::bind_cancellation_slot(signal.slot(), [this](Result<int> result) {
          EXPECT_FALSE(outcome.has_value());
          outcome = std::move(result);
        }));
  }

  std::vector<Reply<int>> held;
  asio::cancellation_signal signal;
  std::optional<Result<int>> outcome;
};

TEST_F(AsyncCancellation, EndsACallThatLeft) {
  for (const auto type : {cancellation_type::terminal, cancellation_type::partial}) {
    outcome.reset();
    call();
    network.settle();
    ASSERT_FALSE(outcome.has_value());

    signal.emit(type);
    network.settle();

    ASSERT_TRUE(outcome.has_value());
    EXPECT_TRUE(outcome->error().is(Errc::cancelled)) << outcome->error();
    EXPECT_EQ(outcome->error().ran, Ran::maybe);
  }
}

TEST_F(AsyncCancellation, LeavesACallThatLeftAloneIfNothingMayHaveHappened) {
  call();
  network.settle();

  signal.emit(cancellation_type::total);
  network.settle();
  EXPECT_FALSE(outcome.has_value());

  held.front()(7);
  network.settle();
  EXPECT_EQ(outcome.value().value(), 7);
}

TEST_F(AsyncCancellation, EndsACallThatHasNotLeft) {
  Node& busy = network.add_node({.requests_max = 1});
  std::optional<Reply<int>> first;
  busy.add(unary("held", [&first](Reply<int> reply) { first = std::move(reply); })).value();
  peer = client.connect(busy.listen("inproc://*").value()).value();
  peer.async_call<int>("held")([](const Result<int>&) {});
  network.settle();
  call();  // waits for the first to end
  network.settle();

  signal.emit(cancellation_type::total);
  network.settle();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->error().is(Errc::cancelled)) << outcome->error();
  EXPECT_EQ(outcome->error().ran, Ran::no);
  first.reset();
  network.settle();
}

TEST_F(AsyncCancellation, MeansNothingOnceTheCallIsOver) {
  call();
  network.settle();
  held.front()(7);
  network.settle();
  EXPECT_EQ(outcome.value().value(), 7);
  EXPECT_FALSE(signal.slot().has_handler());

  signal.emit(cancellation_type::terminal);
  network.settle();
}

TEST_F(AsyncCancellation, EmptiesTheSlotBeforeTheHandlerRuns) {
  asio::io_context context;
  bool was_empty = false;
  peer.async_call<int>("held")(asio::bind_cancellation_slot(
      signal.slot(), asio::bind_executor(context, [&](const Result<int>&) {
        was_empty = !signal.slot().has_handler();
      })));
  network.settle();
  held.front()(7);
  network.settle();
  EXPECT_TRUE(signal.slot().has_handler()) << "it is not known there yet";

  context.run();

  EXPECT_TRUE(was_empty);
}

TEST_F(AsyncCancellation, EndsPingsListsAndConnects) {
  Node& third = network.add_node();
  const std::string third_uri = third.listen("inproc://*").value();
  int cancelled = 0;
  const auto count = [&](const auto& result) {
    cancelled += result.has_error() && result.error().is(Errc::cancelled) ? 1 : 0;
  };
  asio::cancellation_signal signals[3];

  peer.async_ping(asio::bind_cancellation_slot(signals[0].slot(), count));
  peer.async_list_handlers(asio::bind_cancellation_slot(signals[1].slot(), count));
  client.async_connect(third_uri, {}, asio::bind_cancellation_slot(signals[2].slot(), count));
  for (auto& each : signals) each.emit(cancellation_type::terminal);
  network.settle();

  EXPECT_EQ(cancelled, 3);
}

TEST_F(AsyncCancellation, ReachesWhatACoroutineAwaits) {
  asio::io_context context;
  std::optional<Result<int>> awaited;
  bool threw = false;
  auto coroutine = [&]() -> asio::awaitable<void> {
    awaited = co_await peer.async_call<int>("held");
    try {
      co_await asio::post(context, asio::use_awaitable);
    } catch (const boost::system::system_error& e) {
      threw = e.code() == asio::error::operation_aborted;
    }
  };
  asio::co_spawn(context, coroutine,
                 asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
  context.poll();
  network.settle();

  signal.emit(cancellation_type::terminal);
  context.poll();  // signals go where the coroutine runs
  network.settle();
  context.run();

  ASSERT_TRUE(awaited.has_value());
  EXPECT_TRUE(awaited->error().is(Errc::cancelled));
  EXPECT_TRUE(threw);
}

}  // namespace
}  // namespace trestle
