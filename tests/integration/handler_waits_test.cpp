// Who waits for a handler to come is told in the end, whatever it asked for.
#include <future>

#include "raw_calls.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view for_ever =
    R"({"handler_name":"answer","timeout_ms":9223372036854775807})";
const std::string not_there = R"({"handler_name":"answer","available":false})";

class HandlerWaits : public RawCalls {
 protected:
  void wait_for_ever(std::uint32_t slot) {
    raw->send(request(slot, 1, "_wait_for_handler", DeliveryMode::with_response, for_ever));
  }
};

TEST_F(HandlerWaits, EndWithTheCallTimeoutOfTheNodeWhereNoDeadlineEndsThem) {
  wait_for_ever(1);

  network.advance(29s);
  raw->settle();
  EXPECT_EQ(reply(), "0 replies");
  network.advance(1s);
  raw->settle();

  EXPECT_EQ(reply(), not_there);
}

TEST_F(HandlerWaits, EndWhenTheCallerCancels) {
  wait_for_ever(1);
  wait_for_ever(2);

  raw->send(wire::Cancel{call(1)});

  EXPECT_EQ(reply(), not_there);
  server.add(unary("answer", [] {})).value();
  raw->settle();
  EXPECT_EQ(reply(), R"({"handler_name":"answer","available":true})") << "the other one waits";
}

TEST_F(HandlerWaits, EndEachAtItsTime) {
  raw->send(request(1, 1, "_wait_for_handler", DeliveryMode::with_response,
                    R"({"handler_name":"answer","timeout_ms":2000})"));
  raw->send(request(2, 1, "", DeliveryMode::with_response,
                    R"({"handler_name":"answer","timeout_ms":1000})"));

  for (int second = 1; second <= 2; ++second) {
    network.advance(1s);
    raw->settle();
    EXPECT_EQ(reply(), not_there) << second;
  }
}

TEST(HandlerWaitsOnThreads, MissNoHandlerThatComesMeanwhile) {
  Node server;
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  for (int round = 0; round < 1000; ++round) {
    const std::string name = "handler-" + std::to_string(round);
    std::promise<Result<bool>> came;
    peer.async_await_handler(name, 60s, [&](Result<bool> here) { came.set_value(here); });

    server.add(am(name, [] {})).value();

    const auto here = came.get_future().get();
    ASSERT_TRUE(here.has_value()) << round << ": " << here.error();
    ASSERT_TRUE(*here) << round;
    server.remove(name).value();
  }
}

TEST_F(HandlerWaits, EndWhenTheNodeCloses) {
  wait_for_ever(1);
  const TimePoint before = server.now();

  EXPECT_TRUE(server.close().has_value());

  EXPECT_EQ(server.now(), before);
  raw->settle();
  EXPECT_EQ(reply(), not_there);
}

}  // namespace
}  // namespace trestle
