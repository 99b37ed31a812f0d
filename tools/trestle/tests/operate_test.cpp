// trestle health, handlers, wait, stats, shutdown: what they print, and how they exit.
#include "tool_process.hpp"

#include <trestle/trestle.hpp>

#include <gmock/gmock.h>
#include <unistd.h>

#include <string>

namespace trestle::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Health, SaysOk) {
  ServedTool served;

  const auto text = run_tool({"health", served.tcp()});
  const auto json = run_tool({"health", served.tcp(), "--json"});

  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out, "ok\n");
  EXPECT_THAT(json.out, MatchesRegex("\\{\"status\":\"ok\",\"timestamp\":[0-9]+\\}\n"));
}

TEST(Handlers, AreListedWithWhatTheyTake) {
  ServedTool served;

  const auto text = run_tool({"handlers", served.tcp()});
  const auto json = run_tool({"handlers", served.tcp(), "--json"});

  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("_request_shutdown  ack"),
                              HasSubstr("wordcount  unary(string) -> ")));
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"_health_check\""), HasSubstr("\"wordcount\"")));
}

TEST(Wait, EndsWithZeroForAHandlerThatIsThereAndWithFourForNone) {
  ServedTool served;

  const auto there = run_tool({"wait", served.tcp(), "echo"});
  const auto missing = run_tool({"wait", served.tcp(), "nobody", "--timeout", "100ms", "--json"});

  EXPECT_EQ(there.exit_code, 0) << there.err;
  EXPECT_EQ(missing.exit_code, 4);
  EXPECT_EQ(missing.out, "{\"handler\":\"nobody\",\"available\":false}\n");
  EXPECT_THAT(missing.err, HasSubstr("no handler 'nobody'"));
}

TEST(Wait, EndsOnceANodeThatStartsLaterHasTheHandler) {
  const std::string uri = "unix://@trestle-wait-" + std::to_string(::getpid());
  ToolProcess waiter({"wait", uri, "late"});
  const auto nobody = run_tool({"wait", uri, "late", "--timeout", "300ms"});
  Node node;
  node.listen(uri).value();

  node.add(am("late", [] {})).value();

  const auto ended = waiter.wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(nobody.exit_code, 3) << "nobody listened in that time";
}

TEST(Stats, ShowWhatTheNodeCounted) {
  ServedTool served;
  run_tool({"call", served.tcp(), "echo", "1"});
  run_tool({"call", served.tcp(), "nobody"});

  const auto text = run_tool({"stats", served.tcp()});
  const auto json = run_tool({"stats", served.tcp(), "--json"});

  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("messages received  3\n"),
                              HasSubstr("messages refused unknown_handler  1\n"),
                              HasSubstr("handler echo  admitted 1, under way 0, failed 0"),
                              HasSubstr("transport tcp  connections 1, ")));
  EXPECT_THAT(json.out, HasSubstr("\"messages_received\":4,"));
}

TEST(Shutdown, OfTheSameUserDrainsAndEnds) {
  ServedTool served;

  const auto asked = run_tool({"shutdown", served.unix_socket()});
  const auto ended = served.process().wait();

  EXPECT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST(Shutdown, OfAStrangerIsRefusedAndLogged) {
  ServedTool served;

  const auto asked = run_tool({"shutdown", served.tcp(), "--json"});
  served.process().send_signal(15);
  const auto ended = served.process().wait();

  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_THAT(asked.err, AllOf(HasSubstr("\"not_permitted\""), HasSubstr("\"ran\":\"no\"")));
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("refused peer "), HasSubstr("_request_shutdown")));
}

TEST(Shutdown, IsForAnybodyWhereTheServerSaysSo) {
  ServedTool served({"--administration", "anybody"});

  const auto asked = run_tool({"shutdown", served.tcp()});
  const auto ended = served.process().wait();

  EXPECT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

}  // namespace
}  // namespace trestle::tools
