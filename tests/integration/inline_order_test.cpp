// Inline handlers: in the order of arrival and one at a time, whoever drives their node.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

class InlineOrder : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Uris, InlineOrder,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& parameter) {
                           const std::string uri(parameter.param);
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(InlineOrder, IsThatOfArrivalWhoeverDrives) {
  constexpr int senders = 3;
  constexpr int messages = 2000;
  std::array<int, senders> last{};  // no lock: handlers that overlap are a race, and seen by TSan
  std::atomic<int> running{0}, overlaps{0}, late{0}, done{0};
  Node server;
  const auto note = [&](int number) {
    overlaps += running++ == 0 ? 0 : 1;
    int& before = last.at(static_cast<std::size_t>(number / messages));
    late += number % messages == before ? 0 : 1;
    before = number % messages + 1;
    --running;
    ++done;
  };
  server.add(am("note", note, {Execution::inline_})).value();
  server.add(unary("echo", [](int value) { return value; })).value();
  const std::string uri = server.listen(GetParam()).value();

  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender) {
    threads.emplace_back([&uri, sender] {
      Node client;
      const Peer peer = client.connect(uri).value();
      for (int i = 0; i < messages; ++i) peer.send("note", sender * messages + i).value();
      peer.ping().value();
    });
  }
  // Drives the server now and then, in the place of its own thread.
  const Peer self = server.peer(server.instance_id());
  while (done < senders * messages) self.call<int>("echo", 1).value();
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(late, 0);
}

TEST(Execution, IsWhereTheNodeIsDrivenOrOnAWorker) {
  Node node;
  std::promise<std::thread::id> of_timer, of_inline, of_spawn;
  const auto note = [](std::promise<std::thread::id>& where) {
    return [&where] { where.set_value(std::this_thread::get_id()); };
  };
  node.add(am("inline", note(of_inline), {.execution = Execution::inline_})).value();
  node.add(am("spawn", note(of_spawn), {.execution = Execution::spawn})).value();
  const Peer self = node.peer(node.instance_id());

  node.after(std::chrono::milliseconds(1), note(of_timer));
  self.send("inline").value();
  self.send("spawn").value();

  const std::thread::id driver = of_timer.get_future().get();
  EXPECT_EQ(of_inline.get_future().get(), driver);
  EXPECT_NE(of_spawn.get_future().get(), driver);
  EXPECT_NE(driver, std::this_thread::get_id());
}

TEST(InlineTrains, GoOnBelowAHandlerThatWaits) {
  constexpr int messages = 100;
  Node server;
  const Peer self = server.peer(server.instance_id());
  std::vector<int> started, ended;
  std::atomic<int> done{0};
  const auto note = [&](BytesView payload) {
    const std::string text(as_text(payload));
    started.push_back(std::stoi(text));
    if (started.back() % 20 == 3) self.call<int>("echo", 1).value();
    ended.push_back(text == as_text(payload) ? std::stoi(text) : -1);  // its bytes are still there
    ++done;
  };
  server.add(am("note", note, {Execution::inline_})).value();
  server.add(unary("echo", [](int value) { return value; }, {Execution::inline_})).value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  peer.send("note", Payload::copy("0")).value();
  peer.ping().value();
  std::promise<void> sent;

  client.after(std::chrono::nanoseconds(0), [&] {
    for (int i = 1; i < messages; ++i) peer.send("note", Payload::copy(std::to_string(i))).value();
    sent.set_value();
  });
  sent.get_future().get();
  while (done < messages) peer.ping().value();

  for (int i = 0; i < messages; ++i) EXPECT_EQ(started.at(static_cast<std::size_t>(i)), i);
  EXPECT_NE(ended, started) << "those that waited ended after others";
  std::sort(ended.begin(), ended.end());
  for (int i = 0; i < messages; ++i) EXPECT_EQ(ended.at(static_cast<std::size_t>(i)), i);
}

}  // namespace
}  // namespace trestle
