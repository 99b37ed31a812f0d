// The command line as such: help, version, and what it refuses.
#include "tool_process.hpp"

#include <gmock/gmock.h>

#include <ostream>

namespace trestle::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(CommandLine, TellsItsVersion) {
  const auto ended = run_tool({"--version"});

  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, StartsWith("trestle 0."));
}

TEST(CommandLine, EndsTheHelpOfEachVerbWithExamples) {
  for (const std::string verb : {"serve", "call", "ping", "bench", "plugins", "health", "handlers",
                                 "wait", "stats", "shutdown"}) {
    const auto ended = run_tool({verb, "--help"});

    EXPECT_EQ(ended.exit_code, 0);
    const auto examples = ended.out.find("\nExamples:\n");
    ASSERT_NE(examples, std::string::npos) << ended.out;
    EXPECT_THAT(ended.out.substr(examples), HasSubstr("trestle " + verb));
    EXPECT_THAT(ended.out, HasSubstr("--json"));
  }
}

TEST(CommandLine, NamesTheVerbsWhenItDoesNotKnowOne) {
  const auto ended = run_tool({"cal"});

  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("'cal'"), HasSubstr("serve, call, ping, bench, explain, plugins")));
}

struct Wrong {
  std::vector<std::string> arguments;
  std::string text;

  friend void PrintTo(const Wrong& wrong, std::ostream* out) {
    *out << "trestle";
    for (const std::string& argument : wrong.arguments) *out << ' ' << argument;
  }
};

class WrongCommandLine : public testing::TestWithParam<Wrong> {};

TEST_P(WrongCommandLine, ExitsWithTwoAndSaysWhy) {
  const auto ended = run_tool(GetParam().arguments);

  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Usage, WrongCommandLine,
    testing::Values(
        Wrong{{}, "subcommand is required"}, Wrong{{"call"}, "URI is required"},
        Wrong{{"call", "tcp://127.0.0.1:1"}, "HANDLER is required"},
        Wrong{{"call", "tcp://127.0.0.1:1", "echo", "1", "2"}, "2"},
        Wrong{{"call", "tcp://127.0.0.1:1", "echo", "--codec", "xml"}, "xml"},
        Wrong{{"call", "tcp://127.0.0.1:1", "echo", "--timeout", "12"}, "'12' is no duration"},
        Wrong{{"call", "tcp://127.0.0.1:1", "echo", "--timeout", "0s"}, "'0s' is no duration"},
        Wrong{{"call", "tcp://127.0.0.1:1", "echo", "--confirm", "--no-reply"}, "excludes"},
        Wrong{{"call", "tcp://127.0.0.1:1", "echo", "{\"open\": "}, "not valid JSON"},
        Wrong{{"call", "nowhere", "echo"}, "not a URI"},
        Wrong{{"call", "pigeon://roof", "echo"}, "no transport plugin for scheme 'pigeon'"},
        Wrong{{"call", "tcp://127.0.0.1", "echo"}, "port"}, Wrong{{"ping"}, "URI is required"},
        Wrong{{"ping", "tcp://127.0.0.1:1", "--count", "0"}, "0"},
        Wrong{{"ping", "pigeon://roof"}, "no transport plugin for scheme 'pigeon'"},
        Wrong{{"serve"}, "--listen is required"},
        Wrong{{"serve", "--listen", "pigeon://roof"}, "no transport plugin for scheme 'pigeon'"},
        Wrong{{"serve", "--listen", "tcp://0.0.0.0:0"}, "insecure=1"},
        Wrong{{"serve", "--listen", "tcp://127.0.0.1:0", "--spin", "maybe"}, "maybe"},
        Wrong{{"bench", "pigeon://roof"}, "no transport plugin for scheme 'pigeon'"},
        Wrong{{"bench", "tcp://127.0.0.1:1", "--mode", "burst"}, "burst"},
        Wrong{{"bench", "tcp://127.0.0.1:1", "--seconds", "0"}, "0"},
        Wrong{{"bench", "tcp://127.0.0.1:1", "--clients", "0"}, "0"},
        Wrong{{"bench", "tcp://127.0.0.1:1", "--spin", "maybe"}, "maybe"},
        Wrong{{"plugins", "more"}, "more"}));

}  // namespace
}  // namespace trestle::tools
