// Host names: asked for on one thread, looked up on another, answered in a round of the first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <trestle/transport_kit/name_lookups.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "counting_host.hpp"

namespace {

using namespace trestle::transport_kit;
using testing::HasSubstr;
using trestle::sdk::testing::CountingHost;

class Lookups : public testing::Test {
 protected:
  /// Until the loop's descriptor says that there is something, and then one round.
  void sleep_and_run() {
    pollfd entry{loop->wait_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, 20'000), 1) << "no answer within 20 s";
    run();
  }

  void run() {
    std::array<tt_event, 4> events;
    loop->begin(events);
    loop->run();
    loop->end();
  }

  CountingHost host;
  std::unique_ptr<Loop> loop = *Loop::create(host.host());
  std::optional<NameLookups> lookups{*loop};
  std::optional<NameLookups::Answer> answer;
  const NameLookups::OnAnswer keep = [this](NameLookups::Answer given) { answer = given; };
};

// "127.1" is no literal address to URIs, but every C library knows it without a network.
TEST_F(Lookups, AnswerInARoundOfTheLoop) {
  lookups->ask(this, {"127.1", 80, Family::any}, keep);
  ASSERT_FALSE(answer.has_value());

  sleep_and_run();

  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->addresses.size(), 1u) << answer->failure;
  EXPECT_EQ(uri_of(answer->addresses.front()), "tcp://127.0.0.1:80");
}

TEST_F(Lookups, SayWhichNameTheyDidNotFind) {
  const std::string name(70, 'x');  // no label is longer than 63 bytes: nobody is asked

  lookups->ask(this, {name, 80, Family::any}, keep);
  sleep_and_run();

  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->addresses.empty());
  EXPECT_THAT(answer->failure, HasSubstr("cannot look up the host name \"" + name));
}

TEST_F(Lookups, TellNothingToWhoWasForgotten) {
  int other = 0;
  lookups->ask(&other, {"127.1", 1, Family::any}, [](auto) { FAIL() << "was forgotten"; });
  lookups->ask(this, {"127.1", 2, Family::any}, keep);

  lookups->forget(&other);
  while (!answer) sleep_and_run();

  EXPECT_EQ(port_of(answer->addresses.front()), 2);
}

TEST_F(Lookups, LeaveNothingInTheLoopWhenTheyEnd) {
  lookups->ask(this, {"127.1", 1, Family::any}, [](auto) { FAIL() << "nobody is there"; });

  lookups.reset();
  run();

  pollfd entry{loop->wait_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
}

}  // namespace
