// Asynchronous calls with every kind of Asio completion token.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/describe/class.hpp>
#include <future>
#include <string>
#include <thread>

namespace trestle {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// With constructors of its own: no aggregate, so it may be made inside a co_await expression.
struct Note {
  Note() = default;
  explicit Note(std::string words) : text(std::move(words)) {}
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Note, (), (text))

/// An aggregate, which may not.
struct Line {
  std::string text;
  int times = 0;
};
BOOST_DESCRIBE_STRUCT(Line, (), (text, times))

class CompletionTokens : public ::testing::Test {
 protected:
  CompletionTokens() {
    server.add(unary("double", [](int value) { return 2 * value; })).value();
    server.add(unary("upper", [](const std::string& text) { return text + "!"; })).value();
    server.add(unary("read", [](const Note& note) { return note.text; })).value();
    server.add(unary("print", [](const Line& line) { return line.text; })).value();
    server
        .add(unary("trace",
                   [](Context& context) {
                     return std::string(context.headers.get("trace").value_or("none"));
                   }))
        .value();
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

TEST_F(CompletionTokens, TakeACallbackThatCannotBeCopied) {
  std::promise<int> reply;
  auto future = reply.get_future();

  peer.async_call<int>("double", 21, [reply = std::move(reply)](Result<int> value) mutable {
    reply.set_value(value.value());
  });

  EXPECT_EQ(future.get(), 42);
}

TEST_F(CompletionTokens, MakeFutures) {
  std::future<Result<int>> good = peer.async_call<int>("double", 21, asio::use_future);
  std::future<Result<int>> bad = peer.async_call<int>("nobody", 1, asio::use_future);
  std::future<Result<void>> refused = peer.async_confirm("check", -1, asio::use_future);
  std::future<Result<std::chrono::nanoseconds>> ping = peer.async_ping(asio::use_future);

  EXPECT_EQ(good.get().value(), 42);
  EXPECT_TRUE(bad.get().error().is(Errc::handler_not_found));
  EXPECT_EQ(refused.get().error().text, "negative");
  EXPECT_GT(ping.get().value(), 0ns);
}

TEST_F(CompletionTokens, NeedNoArgumentBeforeThem) {
  server.add(unary("answer", [] { return 42; })).value();
  server.add(ack("note", [] {})).value();
  std::promise<int> reply;
  const auto callback = [&](const Result<int>& value) { reply.set_value(value.value()); };

  peer.async_call<int>("answer", callback);
  auto future = peer.async_call<int>("answer", asio::use_future);
  auto confirmed = peer.async_confirm("note", asio::use_future);

  EXPECT_EQ(reply.get_future().get(), 42);
  EXPECT_EQ(future.get().value(), 42);
  EXPECT_TRUE(confirmed.get().has_value());
}

TEST_F(CompletionTokens, TakeWhatIsEncodedAlready) {
  auto encoded = [] { return Encoded{Codec::json, Payload::copy("21"), {}}; };

  auto confirmed = peer.async_confirm("check", encoded(), asio::use_future);
  auto called = peer.async_call<int>("double", encoded(), asio::use_future);

  EXPECT_TRUE(confirmed.get().has_value());
  EXPECT_EQ(called.get().value(), 42);
}

TEST_F(CompletionTokens, StartNothingUntilADeferredOperationIsCalled) {
  std::string text = "ab";
  auto operation = peer.async_call<std::string>("upper", text);
  text = "changed afterwards";
  EXPECT_EQ(server.counters().messages_received, 0u);

  auto reply = std::move(operation)(asio::use_future);

  EXPECT_EQ(reply.get().value(), "ab!");
}

TEST_F(CompletionTokens, CallOncePerUseOfAConstantOperation) {
  const auto operation = peer.async_call<std::string>("upper", std::string("ab"));

  auto first = operation(asio::use_future);
  auto second = operation(asio::use_future);

  EXPECT_EQ(first.get().value(), "ab!");
  EXPECT_EQ(second.get().value(), "ab!");
}

TEST_F(CompletionTokens, KeepAnIoContextRunning) {
  asio::io_context context;
  std::thread::id ran_on;
  peer.async_call<int>("double", 21, asio::bind_executor(context, [&](const Result<int>& value) {
                         EXPECT_EQ(value.value(), 42);
                         ran_on = std::this_thread::get_id();
                       }));

  context.run();  // returns only once the call is over

  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST_F(CompletionTokens, PostToAThreadPoolToAStrandAndToAnyExecutor) {
  asio::thread_pool pool(2);
  auto strand = asio::make_strand(pool);
  const asio::any_io_executor any = strand;
  std::atomic<int> on_strand = 0, in_pool = 0;

  for (int i = 0; i < 20; ++i) {
    peer.async_call<int>("double", i, asio::bind_executor(strand, [&](const Result<int>&) {
                           on_strand += strand.running_in_this_thread() ? 1 : 0;
                         }));
    peer.async_call<int>("double", i, asio::bind_executor(any, [&](const Result<int>&) {
                           on_strand += strand.running_in_this_thread() ? 1 : 0;
                         }));
    peer.async_call<int>("double", i, asio::bind_executor(pool, [&](const Result<int>&) {
                           in_pool += pool.get_executor().running_in_this_thread() ? 1 : 0;
                         }));
  }
  pool.wait();

  EXPECT_EQ(on_strand, 40);
  EXPECT_EQ(in_pool, 20);
}

TEST_F(CompletionTokens, PostToTheSystemExecutorIfAskedTo) {
  std::promise<std::thread::id> where;
  asio::io_context unused;

  peer.async_call<int>("double", 1,
                       asio::bind_executor(asio::system_executor(), [&](const Result<int>&) {
                         where.set_value(std::this_thread::get_id());
                       }));

  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

asio::awaitable<void> call_in_a_coroutine(Peer peer, int& done) {
  const Result<int> deferred = co_await peer.async_call<int>("double", 21);
  EXPECT_EQ(deferred.value(), 42);
  const Result<int> awaited = co_await peer.async_call<int>("double", 4, asio::use_awaitable);
  EXPECT_EQ(awaited.value(), 8);
  const auto [tuple] =
      co_await peer.async_call<int>("double", 5, asio::as_tuple(asio::use_awaitable));
  EXPECT_EQ(tuple.value(), 10);
  const auto [other] = co_await peer.async_call<int>("double", 6, asio::as_tuple(asio::deferred));
  EXPECT_EQ(other.value(), 12);
  const Result<std::string> text = co_await peer.async_call<std::string>(
      "upper", in_place<std::string>, "a long text that no small buffer holds, built in place");
  EXPECT_THAT(text.value(), HasSubstr("in place!"));
  const Result<std::string> read = co_await peer.async_call<std::string>(
      "read", Note("a long text that no small buffer holds, in a struct with constructors"));
  EXPECT_THAT(read.value(), HasSubstr("with constructors"));
  EXPECT_TRUE((co_await peer.async_confirm("check", 1)).has_value());
  EXPECT_TRUE((co_await peer.async_call<int>("nobody")).error().is(Errc::handler_not_found));
  EXPECT_GT((co_await peer.async_ping()).value(), 0ns);
  const auto names = co_await peer.async_list_handlers();
  EXPECT_THAT(names.value(), ::testing::Contains("double"));
  Result<Payload> bytes = co_await peer.async_call<Payload>("upper", Payload::copy("raw"));
  EXPECT_TRUE(bytes.has_value());
  ++done;
}

TEST_F(CompletionTokens, AreAwaitedInCoroutines) {
  asio::io_context context;
  int done = 0;

  asio::co_spawn(context, call_in_a_coroutine(peer, done), asio::detached);
  context.run();

  EXPECT_EQ(done, 1);
}

const std::string long_text = "a long text that no small buffer holds, which is freed once";

asio::awaitable<void> call_with_aggregates(Peer peer, std::stop_token token, int& done) {
  const Line line{long_text, 1};
  const auto named = co_await peer.async_call<std::string>("print", line);
  EXPECT_EQ(named.value(), long_text);
  const auto built = co_await peer.async_call<std::string>("print", in_place<Line>, long_text, 1);
  EXPECT_EQ(built.value(), long_text);
  EXPECT_TRUE((co_await peer.async_confirm("print", in_place<Line>, long_text, 1)).has_value());
  const auto changed = co_await peer.with_header("trace", long_text)
                           .with_timeout(10s)
                           .with_stop(token)
                           .async_call<std::string>("trace");
  EXPECT_EQ(changed.value(), long_text);
  ++done;
}

TEST_F(CompletionTokens, AreAwaitedWithAggregatesThatAreNamedOrBuiltInside) {
  asio::io_context context;
  std::stop_source stop;
  int done = 0;

  asio::co_spawn(context, call_with_aggregates(peer, stop.get_token(), done), asio::detached);
  context.run();

  EXPECT_EQ(done, 1);
}

TEST_F(CompletionTokens, EndAtAnEmptyPeerAndAtAClosedNode) {
  EXPECT_TRUE(Peer().async_call<int>("x", 1, asio::use_future).get().error().is(Errc::no_target));
  EXPECT_TRUE(Peer().async_ping(asio::use_future).get().error().is(Errc::no_target));
  EXPECT_TRUE(Peer().async_list_handlers(asio::use_future).get().error().is(Errc::no_target));
  client.close().value();

  EXPECT_TRUE(peer.async_call<int>("x", 1, asio::use_future).get().error().is(Errc::shut_down));
  EXPECT_TRUE(peer.async_ping(asio::use_future).get().error().is(Errc::shut_down));
  EXPECT_TRUE(
      client.async_connect("inproc://x", {}, asio::use_future).get().error().is(Errc::shut_down));
}

TEST_F(CompletionTokens, RefuseSystemNamesAsBlockingCallsDo) {
  EXPECT_TRUE(peer.async_call<int>("_list_handlers", 1, asio::use_future)
                  .get()
                  .error()
                  .is(Errc::reserved_name));
}

/// Counts what goes through it.
template <class T>
struct CountingAllocator {
  using value_type = T;
  explicit CountingAllocator(int& n) : count(&n) {}
  template <class U>
  CountingAllocator(const CountingAllocator<U>& other) : count(other.count) {}
  T* allocate(std::size_t n) {
    ++*count;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
  friend bool operator==(const CountingAllocator&, const CountingAllocator&) { return true; }
  int* count;
};

TEST_F(CompletionTokens, AllocateWithTheHandlersAllocator) {
  asio::io_context context;
  int allocations = 0;

  peer.async_call<int>(
      "double", 1,
      asio::bind_executor(context, asio::bind_allocator(CountingAllocator<void>(allocations),
                                                        [](const Result<int>&) {})));
  context.run();

  EXPECT_GE(allocations, 2) << "while it is under way, and while it is posted";
}

TEST_F(CompletionTokens, ConnectWithoutABlockedThread) {
  Node third;
  const std::string uri = third.listen("inproc://*").value();

  const Result<Peer> connected = client.async_connect(uri, {}, asio::use_future).get();
  const Result<Peer> again = client.async_connect(uri, {}, asio::use_future).get();
  const Result<Peer> nobody = client.async_connect("inproc://nobody", {}, asio::use_future).get();
  const Result<Peer> bad = client.async_connect("nonsense", {}, asio::use_future).get();
  const Result<Peer> other =
      client.async_connect(uri, {.expect = client.instance_id()}, asio::use_future).get();

  EXPECT_EQ(connected.value().instance_id(), third.instance_id());
  EXPECT_EQ(again.value().instance_id(), third.instance_id());
  EXPECT_TRUE(nobody.error().is(Errc::connect_refused)) << nobody.error();
  EXPECT_TRUE(bad.error().is(Errc::bad_endpoint)) << bad.error();
  EXPECT_TRUE(other.error().is(Errc::identity_mismatch)) << other.error();
}

TEST_F(CompletionTokens, DropAHandlerWhoseContextIsGone) {
  auto alive = std::make_shared<int>(1);
  std::promise<void> release;
  auto released = release.get_future().share();
  server.add(unary("held", [released] { released.wait(); })).value();
  {
    asio::io_context context;
    peer.async_call<Payload>("held")(
        asio::bind_executor(context, [alive](const Result<Payload>&) { FAIL(); }));
    release.set_value();
    EXPECT_TRUE(peer.async_call<int>("double", 1, asio::use_future).get().has_value());
    client.close().value();  // its outcome is posted by now
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace trestle
