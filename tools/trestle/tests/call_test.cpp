// trestle call against servers in other processes, and against a node in this one.
#include "tool_process.hpp"

#include <trestle/trestle.hpp>

#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <stdexcept>

namespace trestle::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Call : public testing::Test {
 protected:
  Ended call(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"call", served_.tcp()});
    return run_tool(arguments, input);
  }

  ServedTool served_;
};

TEST_F(Call, PrintsTheReplyAsJson) {
  for (const std::string value : {R"({"a":[1,2,{"b":null}],"c":-1.5})", "[1,2,3]", "[]", "-5",
                                  R"("text with \"quotes\" and \u0001")", "true"}) {
    const auto ended = call({"echo", value});

    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, value + '\n');
    EXPECT_EQ(ended.err, "");
  }
}

TEST_F(Call, WorksOverUnixSockets) {
  const auto ended = run_tool({"call", served_.unix_socket(), "echo", "[1]"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "[1]\n");
}

TEST_F(Call, WorksThroughAWrapper) {
  const std::filesystem::path wrapper = TRESTLE_PASS_PLUGIN;
  NodeOptions options;
  options.plugins = {wrapper};
  Node server(options);
  server.add(unary("echo", [](Encoded in) { return in; })).value();
  const std::string uri = server.listen("pass+unix://*").value();

  const std::string path = wrapper.parent_path().string() + ":<default>";
  const auto ended =
      ToolProcess({"call", uri, "echo", "[1]"}, {{"TRESTLE_PLUGIN_PATH", path}}).wait();

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "[1]\n");
}

TEST_F(Call, SendsNullWithoutAnArgument) {
  const auto ended = call({"echo"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "null\n");
}

TEST_F(Call, ReadsTheArgumentFromStandardInput) {
  const std::string big(1u << 20, 'x');

  const auto ended = call({"echo", "-"}, '"' + big + "\"\n");

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, '"' + big + "\"\n");
}

TEST_F(Call, RefusesBadJsonOnStandardInput) {
  const auto ended = call({"echo", "-"}, "nonsense");

  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("standard input: not valid JSON"));
}

TEST_F(Call, CountsWords) {
  const auto ended = call({"wordcount", "\"The cat and the dog\""});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "{\"and\":1,\"cat\":1,\"dog\":1,\"the\":2}\n");
}

TEST_F(Call, ExitsWithOneWhenThePeerRefuses) {
  const auto unknown = call({"nope", "1"});
  const auto wrong_kind = call({"sink", "1"});
  const auto undecodable = call({"sleep", "\"long\""});

  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("'nope'"), HasSubstr("[handler_not_found]")));
  EXPECT_EQ(wrong_kind.exit_code, 1);
  EXPECT_THAT(wrong_kind.err, AllOf(HasSubstr("'sink'"), HasSubstr("[kind_mismatch]")));
  EXPECT_EQ(undecodable.exit_code, 1);
  EXPECT_THAT(undecodable.err, AllOf(HasSubstr("integer"), HasSubstr("[undecodable]")));
  EXPECT_EQ(unknown.out + wrong_kind.out + undecodable.out, "");
}

TEST_F(Call, ExitsWithFourAtTheDeadline) {
  const auto start = std::chrono::steady_clock::now();

  const auto ended = call({"sleep", "60000", "--timeout", "300ms"});

  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("may have run"), HasSubstr("[deadline_exceeded]")));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(300));
  EXPECT_LT(took, std::chrono::seconds(10));
}

TEST_F(Call, TellsErrorsAsJson) {
  const auto ended = call({"nope", "1", "--json"});

  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr(R"("code":"handler_not_found")"),
                    HasSubstr(R"("text":"No handler for 'nope'")"), HasSubstr(R"("ran":"no")")));
}

TEST_F(Call, ExitsWithThreeWhenNobodyListens) {
  served_.process().send_signal(SIGKILL);
  served_.process().wait();

  const auto ended = call({"echo", "1"});

  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr(served_.tcp()), HasSubstr("[connect_refused]")));
}

TEST(CallOfAKilledServer, ExitsWithThreeWithinASecondAndSaysThatItMayHaveRun) {
  auto server = ToolProcess::mute_server();
  ToolProcess client({"call", server.read_line(), "mute"});
  ASSERT_EQ(server.read_line(), "called");

  const auto killed = std::chrono::steady_clock::now();
  server.send_signal(SIGKILL);
  const auto ended = client.wait();

  EXPECT_LT(std::chrono::steady_clock::now() - killed, std::chrono::seconds(1));
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("may have run"), HasSubstr("[connection_lost]")));
}

TEST(CallOfAStoppedServer, EndsAtItsDeadlineAndNotLater) {
  auto server = ToolProcess::mute_server();
  const auto start = std::chrono::steady_clock::now();
  ToolProcess client({"call", server.read_line(), "mute", "--timeout", "2s"});
  ASSERT_EQ(server.read_line(), "called");

  server.send_signal(SIGSTOP);  // so that it takes no leave either
  const auto ended = client.wait();

  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_GE(took, std::chrono::seconds(2));
  EXPECT_LT(took, std::chrono::milliseconds(3500));
}

/// Calls against a node in this process, which sees what arrives.
class CallOfANode : public testing::Test {
 protected:
  Ended call(Handler handler, std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(),
                     {"call", node_.listen("tcp://127.0.0.1:0").value(), handler.name});
    node_.add(std::move(handler)).value();
    return run_tool(arguments, input);
  }

  Node node_;
};

TEST_F(CallOfANode, SendsAWholeMessageBeforeItExitsWithoutAReply) {
  std::promise<std::string> arrived;
  const std::string big(8u << 20, 'x');

  const auto ended = call(am("take", [&](const std::string& text) { arrived.set_value(text); }),
                          {"-", "--no-reply"}, '"' + big + '"');

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "");
  auto message = arrived.get_future();
  ASSERT_EQ(message.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(message.get() == big);
}

TEST_F(CallOfANode, ConfirmsAnAckHandler) {
  const auto ended = call(ack("confirmable", [](int) {}), {"1", "--confirm"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "");
}

TEST_F(CallOfANode, ShowsTheTextOfARefusal) {
  const auto ended = call(ack("picky", [](int) -> Result<void> { return refuse("not today"); }),
                          {"1", "--confirm"});

  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("not today [handler_failed]"));
}

TEST_F(CallOfANode, ShowsWhatAHandlerThrew) {
  const auto ended =
      call(unary("throwing", [](int) -> int { throw std::runtime_error("out of luck"); }), {"1"});

  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("out of luck"));
}

TEST_F(CallOfANode, ShowsBytesInBase64) {
  const auto bytes = [] { return Encoded{Codec::bytes, Payload::copy("\x01\xff\x02")}; };

  const auto ended = call(unary("bytes", bytes), {});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "\"Af8C\"\n");
}

TEST_F(CallOfANode, SendsJsonWhenAsked) {
  const auto codec = [](Context& context, Payload) {
    return std::string(to_string(context.codec));
  };

  const auto ended = call(unary("codec", codec), {"1", "--codec", "json"});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "\"json\"\n");
}

}  // namespace
}  // namespace trestle::tools
