// Which endpoints are tried, in which order, and the reasons.
#include "peers/candidates.hpp"

#include <gmock/gmock.h>
#include <trestle/thin_transport.h>

namespace trestle::peers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr HostId here = HostId::from_halves(1, 1);
constexpr HostId there = HostId::from_halves(2, 2);

/// Schemes are named by their reach.
Result<SchemeFacts> find_scheme(std::string_view scheme) {
  if (scheme == "process") return SchemeFacts{.reach = TT_REACH_PROCESS, .plugin = "p.so"};
  if (scheme == "host") return SchemeFacts{.reach = TT_REACH_HOST, .plugin = "h.so"};
  if (scheme == "network") return SchemeFacts{.reach = TT_REACH_NETWORK, .plugin = "n.so"};
  return Error(Errc::unknown_scheme, "no plugin for it");
}

/// "URI" of those to try, "-URI" of the others.
std::vector<std::string> plan(const WorkerAddress& address, const HostId& host) {
  std::vector<std::string> uris;
  for (const auto& candidate :
       plan_route({InstanceId::from_halves(7, 7), address, host}, here, find_scheme).candidates) {
    uris.push_back((candidate.why_not ? "-" : "") + candidate.uri);
  }
  return uris;
}

const WorkerAddress all{"network://h:1", "host:///a", "process://a"};

TEST(Candidates, NearestFirst) {
  EXPECT_THAT(plan(all, here), ElementsAre("process://a", "host:///a", "network://h:1"));
}

TEST(Candidates, EqualReachKeepsThePeersOrder) {
  EXPECT_THAT(plan({"network://b:1", "network://a:1"}, here),
              ElementsAre("network://b:1", "network://a:1"));
}

TEST(Candidates, OnAnotherHostOnlyTheNetworkIsLeft) {
  EXPECT_THAT(plan(all, there), ElementsAre("network://h:1", "-host:///a", "-process://a"));
  EXPECT_THAT(plan({"network://127.0.0.1:1", "network://[::1]:1"}, there),
              ElementsAre("-network://127.0.0.1:1", "-network://[::1]:1"));
}

TEST(Candidates, WhereTheHostIsNotKnownAllAreTried) {
  EXPECT_THAT(plan(all, HostId()), ElementsAre("process://a", "host:///a", "network://h:1"));
}

TEST(Candidates, SaysWhyNot) {
  const auto candidates =
      plan_route({{}, {"other://x", "no uri", "host:///a"}, there}, here, find_scheme).candidates;

  ASSERT_EQ(candidates.size(), 3u);
  EXPECT_EQ(candidates[0].why_not->text, "no plugin for it");
  EXPECT_TRUE(candidates[1].why_not->is(Errc::bad_endpoint));
  EXPECT_EQ(candidates[2].why_not->text,
            "it reaches no further than its host, and the peer is on another host");
  EXPECT_EQ(candidates[2].plugin, "h.so");
}

TEST(Candidates, FailuresAreToldOneByOne) {
  const Error error = all_failed("P", {{"a://1", Error(Errc::unknown_scheme, "no plugin")},
                                       {"b://2", Error(Errc::connect_refused, "nobody")}});

  EXPECT_EQ(error.text, "No available endpoint for peer P: a://1 (no plugin); b://2 (nobody)");
  EXPECT_TRUE(error.is(Errc::connect_refused));
}

}  // namespace
}  // namespace trestle::peers
