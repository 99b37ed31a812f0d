// trestle explain: what it prints, to the letter, but for ids, ports and places.
#include "tool_process.hpp"

#include <trestle/node.hpp>

#include <gmock/gmock.h>

#include <regex>

namespace trestle::tools {
namespace {

using testing::HasSubstr;

std::string replaced(std::string text, const std::string& pattern, const std::string& by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

std::string masked(std::string text) {
  text = replaced(std::move(text), "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID");
  text = replaced(std::move(text), "/[^ \"]*/(trestle_[a-z]+[.]so)", "DIR/$1");
  text = replaced(std::move(text), "unix:///[^\n \"]*[.]sock", "unix:///FILE");
  return replaced(std::move(text), "127[.]0[.]0[.]1:[0-9]+", "127.0.0.1:PORT");
}

PeerInfo info_of(const ServedTool& served) {
  Node node;
  return node.discover(served.tcp()).value();
}

TEST(Explain, ShowsTheChosenAndTheOthers) {
  ServedTool served;

  const auto ended = run_tool({"explain", info_of(served).text()});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(masked(ended.out),
            "peer ID, host this\n"
            "unix:///FILE\n"
            "  chosen: node ID answered\n"
            "  reach host, by DIR/trestle_tcp.so\n"
            "  dead_after=3000ms (default)\n"
            "  heartbeat=1000ms (default)\n"
            "  spin=auto (default)\n"
            "tcp://127.0.0.1:PORT\n"
            "  not tried: an earlier one serves\n"
            "  reach network, by DIR/trestle_tcp.so\n"
            "  dead_after=3000ms (default)\n"
            "  heartbeat=1000ms (default)\n"
            "  spin=auto (default)\n");
}

TEST(Explain, SaysTheSameAsJson) {
  ServedTool served;

  const auto ended = run_tool({"explain", "--json", served.tcp() + "?heartbeat=2s"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(masked(ended.out),
            R"({"instance":"","host":"unknown","candidates":[{"uri":)"
            R"("tcp://127.0.0.1:PORT?heartbeat=2s","scheme":"tcp","reach":"network",)"
            R"("plugin":"DIR/trestle_tcp.so","verdict":"chosen","reason":"node ID answered",)"
            R"("options":[{"key":"heartbeat","value":"2s","source":"URI"},)"
            R"({"key":"dead_after","value":"3000ms","source":"default"},)"
            R"({"key":"spin","value":"auto","source":"default"}]}]})"
            "\n");
}

TEST(Explain, SaysWhyACandidateIsRejected) {
  ServedTool served;
  PeerInfo peer = info_of(served);
  peer.host = HostId::from_halves(1, 2);

  const auto ended = run_tool({"explain", peer.text()});

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.out, HasSubstr("host another\n"));
  EXPECT_THAT(ended.out, HasSubstr("  rejected: it reaches no further than its host, and the peer "
                                   "is on another host\n"));
  EXPECT_THAT(ended.out, HasSubstr("  rejected: it is a loopback address, and the peer is on "
                                   "another host\n"));
}

TEST(Explain, SaysWhereAPluginWasLookedFor) {
  const auto ended = run_tool({"explain", "nowhere://x"});

  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr("nowhere://x\n  rejected: "));
  EXPECT_THAT(masked(ended.out), HasSubstr("DIR/trestle_nowhere.so"));
}

TEST(Explain, RefusesWhatIsNoAddress) {
  const auto ended = run_tool({"explain", "trestle-peer-00"});

  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.err, HasSubstr("cannot read this peer"));
}

}  // namespace
}  // namespace trestle::tools
