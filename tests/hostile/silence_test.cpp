// Strangers who say nothing, or too little: they cost a descriptor for a while, and nobody else.
#include <algorithm>

#include "siege.hpp"

namespace trestle::hostile {
namespace {

class Silence : public Siege {
 protected:
  Silence()
      : Siege({.unauthenticated_peers_max = 16, .handshake_timeout = 500ms, .close_timeout = 60s}) {
  }

  std::vector<Stranger> silent(int count, const std::string& said = {}) {
    std::vector<Stranger> strangers;
    for (int i = 0; i < count; ++i) {
      strangers.emplace_back(uri_);
      if (!said.empty()) strangers.back().say(said);
    }
    return strangers;
  }
};

INSTANTIATE_TEST_SUITE_P(Sockets, Silence, all_sockets(), scheme_of);

TEST_P(Silence, OfAsManyAsAreAllowedIsLeftAloneUntilItsTime) {
  const auto strangers = silent(16);

  for (const Stranger& stranger : strangers) EXPECT_TRUE(stranger.is_dropped(10s));
  EXPECT_EQ(server_.counters().strangers_closed, 0u);
  EXPECT_EQ(lines_with("unauthenticated_peers_max"), 0);
  expect_bystander_was_served();
}

TEST_P(Silence, OfOneMoreEndsTheOldestOne) {
  const auto strangers = silent(17);

  EXPECT_TRUE(comes_true([&] { return server_.counters().strangers_closed == 1; }));
  EXPECT_TRUE(strangers[0].is_dropped(10s));
  EXPECT_TRUE(comes_true([&] { return lines_with("more than 16 connections") == 1; }));
  for (const Stranger& stranger : strangers) EXPECT_TRUE(stranger.is_dropped(10s));
  EXPECT_EQ(server_.counters().strangers_closed, 1u) << "the others had their time";
  expect_bystander_was_served();
}

TEST_P(Silence, OfAThousandEndsSoonAndFillsNoLog) {
  std::vector<Stranger> strangers;
  for (const char* said : {"", "\xAB", "\xABTS1", "\xABTS1\x40\0\0\0TRSL"}) {
    auto more = silent(250, said);
    std::move(more.begin(), more.end(), std::back_inserter(strangers));
  }

  for (const Stranger& stranger : strangers) EXPECT_TRUE(stranger.is_dropped(10s));
  EXPECT_GE(server_.counters().strangers_closed, 1000u - 17 * 16);
  EXPECT_LT(lines().size(), 50u);
  expect_bystander_was_served();
  EXPECT_TRUE(comes_true([&] { return server_.counters().connections <= 1; }));
}

TEST_P(Silence, HoldsUpTheCloseForASecond) {
  const auto before_hello = silent(8);
  const auto in_hello = silent(8, "\xABTS1\x40\0\0\0TRSL");
  EXPECT_TRUE(comes_true([&] { return server_.counters().strangers_closed == 0; }));
  bystander_->stop();
  bystander_.reset();

  const TimePoint began = server_.now();
  EXPECT_TRUE(server_.close().has_value());

  EXPECT_GE(server_.now() - began, 1s) << "a hello, and calls behind it, may be on their way";
  EXPECT_LT(server_.now() - began, 30s) << "close_timeout is 60 s";
  for (const Stranger& stranger : before_hello) EXPECT_TRUE(stranger.is_dropped(10s));
}

}  // namespace
}  // namespace trestle::hostile
