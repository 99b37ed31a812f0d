// docs/patterns.md says how messages fail as they do: each row of its table is provoked here.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <stdexcept>

#include "failing_message.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using test_support::FailingMessage;
using ::testing::HasSubstr;

/// A row of the table of failures, cell by cell.
struct Row {
  std::string failure, codes, ran, text, when_forgotten;
};

std::vector<Row> documented() {
  std::ifstream file(TRESTLE_PATTERNS_MD);
  std::string line;
  while (std::getline(file, line) && !line.starts_with("| failure | `Errc` |")) {
  }
  std::getline(file, line);  // the ruler
  std::vector<Row> rows;
  const std::regex cells(R"(\| (.*?) \| (.*?) \| (.*?) \| (.*?) \| ?(.*?) ?\|.*)");
  std::smatch cell;
  while (std::getline(file, line) && std::regex_match(line, cell, cells)) {
    rows.push_back({cell[1], cell[2], cell[3], cell[4], cell[5]});
  }
  return rows;
}

std::vector<std::string> quoted_in(const std::string& cell) {
  const std::regex quote("`([^`]+)`");
  std::vector<std::string> all;
  for (std::sregex_iterator at(cell.begin(), cell.end(), quote), end; at != end; ++at) {
    all.push_back((*at)[1]);
  }
  return all;
}

std::string name_of(const Error& error) {
  return std::string(to_string(static_cast<Errc>(error.code.value())));
}

std::string word_for(Ran ran) {
  return ran == Ran::no ? "no" : ran == Ran::yes ? "yes" : "maybe";
}

Headers too_many() {
  Headers headers;
  for (std::size_t i = 0; i <= Headers::count_max; ++i) headers.set(std::to_string(i), "x");
  return headers;
}

const std::string no_utf8 = "\xff";

/// What fails as a row says; its texts have `part`, if the row quotes nothing.
struct Failure {
  std::string_view row;
  std::function<Error()> provoke;
  std::string_view part{};
  enum class Sender { waits, forgets } sender = Sender::waits;
};
constexpr auto forgets = Failure::Sender::forgets;

// ---- Refused here -------------------------------------------------------------------------------

const Failure refused_here[] = {
    {"no peer in the handle",
     [] { return FailingMessage().client.message("NAME").execute().error(); }, "", forgets},
    {"no peer in the handle", [] { return Peer().send("NAME").error(); }, "connect()", forgets},
    {"no peer in the handle", [] { return Peer().call<int>("NAME").error(); }, "connect()"},
    {"a name", [] { return FailingMessage().peer.send("").error(); }, "", forgets},
    {"a name", [] { return FailingMessage().peer.confirm(std::string(1025, 'n')).error(); },
     "1024"},
    {"a name", [] { return FailingMessage().peer.call<int>("_health_check").error(); },
     "function of Peer"},
    {"the payload cannot",
     [] { return FailingMessage().peer.with_codec(Codec::json).send("NAME", no_utf8).error(); },
     "UTF-8", forgets},
    {"the payload cannot",
     [] {
       return FailingMessage().peer.with_codec(Codec::json).call<int>("NAME", no_utf8).error();
     },
     "UTF-8"},
    {"the payload or its headers",
     [] {
       FailingMessage rig({.message_bytes_max = 10'000});
       return rig.peer.send("NAME", Payload::copy(std::string(10'000, 'x'))).error();
     },
     "10000", forgets},
    {"the payload or its headers",
     [] { return FailingMessage().peer.with({.headers = too_many()}).confirm("NAME").error(); },
     "128"},
    {"no room here",
     [] {
       FailingMessage rig({}, {.queue_bytes_max = 1000, .when_full = WhenFull::fail});
       Result<MessageId> sent = MessageId();
       rig.within_a_turn([&] {
         while (sent.has_value()) sent = rig.peer.send("NAME", Payload::copy(std::string(90, 'x')));
       });
       return sent.error();
     },
     "1000", forgets},
    {"no room here",
     [] {
       FailingMessage rig({}, {.calls_max = 1});
       rig.serve_later();
       const auto first = rig.detached();
       return rig.peer.call<int>("NAME").error();
     },
     "1"},
    {"the node is closed",
     [] {
       FailingMessage rig;
       rig.client.close().value();
       return rig.peer.send("NAME").error();
     },
     "", forgets},
    {"the node is closed",
     [] {
       FailingMessage rig;
       rig.client.close().value();
       return rig.peer.call<int>("NAME").error();
     }},
};

// ---- Refused there ------------------------------------------------------------------------------

Error no_receipt_for_bytes(FailingMessage& rig) {
  const auto message = rig.peer.message("NAME").payload(1).detach_receipt();
  auto sent = message.expect_bytes_response().send_with_response().value();
  return std::move(sent).await_delivery().error();
}

Error no_receipt_for_text(FailingMessage& rig) {
  const auto message = rig.peer.message("NAME").payload(1).detach_receipt();
  auto sent = message.expect_typed_response<std::string>().send_with_response().value();
  return std::move(sent).await_delivery().error();
}

const Failure refused_there[] = {
    {"the peer has no such handler",
     [] { return FailingMessage().peer.call<int>("NAME").error(); }},
    {"mode and kind",
     [] {
       FailingMessage rig;
       rig.serve(ack("NAME", [] {}));
       return rig.peer.call<int>("NAME").error();
     }},
    {"a receipt: response wanted",
     [] {
       FailingMessage rig;
       rig.serve(am("NAME", [](int) {}));
       return no_receipt_for_bytes(rig);
     }},
    {"a receipt: another",
     [] {
       FailingMessage rig;
       rig.serve(unary("NAME", [](int value) { return value / 2.0; }));
       return no_receipt_for_text(rig);
     }},
    {"the handler cannot decode",
     [] {
       FailingMessage rig;
       rig.serve(ack("NAME", [](int) {}));
       return rig.peer.confirm("NAME", std::string("text")).error();
     }},
    {"no room at the peer",
     [] {
       FailingMessage rig({.spawn_queue_messages = 0});
       rig.serve_later();
       const auto first = rig.detached();
       return rig.peer.call<int>("NAME").error();
     },
     "spawn_queue_messages"},
    {"the peer is closing",
     [] {
       FailingMessage rig;
       rig.serve_later();
       auto first = rig.detached();
       auto second = rig.detached();
       rig.network.settle();
       static_cast<void>(rig.server.close());
       return std::move(second).await_response().error();
     }},
};

// ---- What handlers do ---------------------------------------------------------------------------

Error called(Handler handler) {
  FailingMessage rig;
  rig.serve(std::move(handler));
  return rig.peer.call<int>("NAME").error();
}

const Failure failed_there[] = {
    {"the handler refuses",
     [] { return called(unary("NAME", []() -> Result<int> { return refuse("no \"thanks\""); })); },
     "no \"thanks\""},
    {"the handler throws",
     [] { return called(unary("NAME", []() -> int { throw std::runtime_error("broken"); })); }},
    {"a value was wanted", [] { return called(unary("NAME", [] {})); }},
    {"a value was wanted", [] { return called(unary("NAME", [](const Reply<int>&) {})); }},
    {"the value is of another type",
     [] { return called(unary("NAME", [] { return std::vector<std::string>{"text"}; })); },
     "expected integer"},
};

// ---- No outcome ---------------------------------------------------------------------------------

const std::string at_whom = "call of 'NAME' at 00000000";

const Failure no_outcome[] = {
    {"nobody answers",
     [] {
       FailingMessage rig;
       rig.server.close().value();
       rig.network.settle();
       return rig.peer.call<int>("NAME").error();
     },
     "inproc://"},
    {"the deadline comes",
     [] {
       FailingMessage rig;
       rig.serve_later();
       return rig.peer.with_timeout(1s).call<int>("NAME").error();
     },
     at_whom},
    {"the deadline comes",
     [] {
       FailingMessage rig({.requests_max = 1});
       rig.serve_later();
       const auto first = rig.detached();
       rig.network.settle();
       return rig.peer.with_timeout(1s).call<int>("NAME").error();
     },
     at_whom},
    {"the deadline comes",
     [] {
       FailingMessage rig;
       rig.network.advance(2s);
       return rig.peer.with_deadline(TimePoint(1s)).send("NAME").error();
     },
     "'NAME'", forgets},
    {"the sender cancels",
     [] {
       FailingMessage rig;
       rig.serve_later();
       auto call = rig.detached();
       rig.network.settle();
       EXPECT_TRUE(call.cancel());
       return std::move(call).await_response().error();
     },
     at_whom},
    {"the sender cancels",
     [] {
       FailingMessage rig({.requests_max = 1});
       rig.serve_later();
       const auto first = rig.detached();
       rig.network.settle();
       auto second = rig.detached();
       EXPECT_TRUE(second.cancel());
       return std::move(second).await_response().error();
     },
     at_whom},
    {"the sender cancels",
     [] {
       std::stop_source stop;
       stop.request_stop();
       return FailingMessage().peer.with_stop(stop.get_token()).send("NAME").error();
     },
     "'NAME'", forgets},
    {"the connection is lost",
     [] {
       FailingMessage rig;
       rig.serve_later();
       auto call = rig.detached();
       rig.network.settle();
       rig.server.peer(rig.client.instance_id()).disconnect();
       return std::move(call).await_response().error();
     },
     at_whom},
    {"the connection is lost",
     [] {
       FailingMessage rig({.requests_max = 1});
       rig.serve_later();
       const auto first = rig.detached();
       rig.network.settle();
       auto second = rig.detached();
       rig.peer.disconnect();
       return std::move(second).await_response().error();
     },
     at_whom},
};

// ---- The document -------------------------------------------------------------------------------

std::vector<const Failure*> all_failures() {
  std::vector<const Failure*> all;
  const auto take = [&all](const auto& group) {
    for (const Failure& failure : group) all.push_back(&failure);
  };
  take(refused_here), take(refused_there), take(failed_there), take(no_outcome);
  return all;
}

/// What a row says that no failure showed so far.
struct Unseen {
  explicit Unseen(const Row& row) : of(&row) {
    for (const auto& code : quoted_in(row.codes)) codes.insert(code);
    codes.erase("unreachable");  // takes a network
    const std::regex word("no|maybe|yes");
    const std::string ran = std::regex_replace(row.ran, std::regex("not"), "");
    for (std::sregex_iterator at(ran.begin(), ran.end(), word), end; at != end; ++at) {
      rans.insert((*at)[0]);
    }
    for (const auto& text : quoted_in(row.text)) texts.insert(text);
    forgets = row.when_forgotten.starts_with("refused");
  }

  void see(const Failure& failure, const Error& error) {
    EXPECT_THAT(of->codes, HasSubstr('`' + name_of(error) + '`')) << error;
    EXPECT_THAT(of->ran, HasSubstr(word_for(error.ran))) << error;
    EXPECT_THAT(error.text, HasSubstr(std::string(failure.part)));
    codes.erase(name_of(error));
    rans.erase(word_for(error.ran));
    const auto is_quoted = [&](const std::string& text) {
      return error.text.find(text) != std::string::npos;
    };
    std::erase_if(texts, is_quoted);
    if (failure.sender == ::trestle::forgets) forgets = false;
  }

  const Row* of;
  std::set<std::string> codes{}, rans{}, texts{};
  bool forgets = false;
};

TEST(PatternsDocument, SaysHowEachMessageFails) {
  const std::vector<Row> rows = documented();
  ASSERT_GT(rows.size(), 15u);
  std::vector<Unseen> unseen(rows.begin(), rows.end());

  for (const Failure* failure : all_failures()) {
    const auto row = std::find_if(unseen.begin(), unseen.end(), [&](const Unseen& one) {
      return one.of->failure.starts_with(failure->row);
    });
    ASSERT_NE(row, unseen.end()) << failure->row;
    SCOPED_TRACE(row->of->failure);
    row->see(*failure, failure->provoke());
  }

  for (const Unseen& row : unseen) {
    SCOPED_TRACE(row.of->failure);
    EXPECT_THAT(row.codes, ::testing::IsEmpty());
    EXPECT_THAT(row.rans, ::testing::IsEmpty());
    EXPECT_THAT(row.texts, ::testing::IsEmpty());
    EXPECT_FALSE(row.forgets) << "nothing showed that send() is refused, too";
  }
}

TEST(PatternsDocument, NamesOnlyCodesThatExist) {
  std::set<std::string> known;
  for (int code = 1; code < 100; ++code) known.emplace(to_string(static_cast<Errc>(code)));

  for (const Row& row : documented()) {
    for (const std::string& code : quoted_in(row.codes)) {
      EXPECT_TRUE(known.contains(code)) << row.failure;
    }
  }
}

}  // namespace
}  // namespace trestle
