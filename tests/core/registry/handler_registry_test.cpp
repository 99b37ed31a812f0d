// Which handlers may be registered, and who is found.
#include "registry/handler_registry.hpp"

#include <gtest/gtest.h>

namespace trestle::registry {
namespace {

Handler named(std::string name) {
  return am(std::move(name), [](BytesView) {});
}

TEST(HandlerRegistry, FindsAHandlerByItsName) {
  HandlerRegistry handlers;
  ASSERT_TRUE(handlers.add(named("sum")).has_value());

  ASSERT_NE(handlers.find("sum"), nullptr);
  EXPECT_EQ(handlers.find("sum")->handler.name, "sum");
  EXPECT_EQ(handlers.find("su"), nullptr);
}

TEST(HandlerRegistry, KeepsTheFirstOfTwoWithOneName) {
  HandlerRegistry handlers;
  ASSERT_TRUE(handlers.add(named("sum")).has_value());
  const auto first = handlers.find("sum");

  const auto second = handlers.add(named("sum"));

  ASSERT_TRUE(second.has_error());
  EXPECT_TRUE(second.error().is(Errc::handler_exists));
  EXPECT_EQ(second.error().text, "Handler 'sum' already registered");
  EXPECT_EQ(handlers.find("sum"), first);
}

TEST(HandlerRegistry, KeepsTheSystemsNamesForTheSystem) {
  HandlerRegistry handlers;

  const auto refused = handlers.add(named("_mine"));

  ASSERT_TRUE(refused.has_error());
  EXPECT_TRUE(refused.error().is(Errc::reserved_name));
  EXPECT_NE(refused.error().text.find("'_mine'"), std::string::npos);
  EXPECT_TRUE(handlers.add(named("_mine"), Owner::system).has_value());
}

TEST(HandlerRegistry, RefusesAnEmptyName) {
  HandlerRegistry handlers;

  EXPECT_TRUE(handlers.add(named("")).error().is(Errc::invalid_argument));
}

TEST(HandlerRegistry, TakesANameOfExactlyTheLimit) {
  HandlerRegistry handlers;

  EXPECT_TRUE(handlers.add(named(std::string(1024, 'n'))).has_value());
}

TEST(HandlerRegistry, RefusesANameOneByteAboveTheLimit) {
  HandlerRegistry handlers;

  const auto refused = handlers.add(named(std::string(1025, 'n')));

  ASSERT_TRUE(refused.has_error());
  EXPECT_TRUE(refused.error().is(Errc::name_too_long));
  EXPECT_EQ(refused.error().text, "handler name of 1025 bytes, the limit is 1024");
}

TEST(HandlerRegistry, RefusesAHandlerWithoutAFunction) {
  HandlerRegistry handlers;

  const auto refused = handlers.add(Handler{"hollow", HandlerKind::am, {}, nullptr});

  EXPECT_TRUE(refused.error().is(Errc::invalid_argument));
  EXPECT_EQ(handlers.find("hollow"), nullptr);
}

TEST(HandlerRegistry, RefusesASharedLaneWithoutAName) {
  HandlerRegistry handlers;
  Handler handler = named("write");
  handler.options.lane.scope = Lane::Scope::node;

  const auto refused = handlers.add(std::move(handler));

  EXPECT_TRUE(refused.error().is(Errc::invalid_argument));
  EXPECT_EQ(refused.error().text, "handler 'write' has a shared lane without a name");
}

TEST(HandlerRegistry, CountsForEachHandlerAndForTheNode) {
  HandlerRegistry handlers;
  ASSERT_TRUE(handlers.add(named("a")).has_value());
  ASSERT_TRUE(handlers.add(named("b")).has_value());

  handlers.find("b")->count(dispatch::Refusal::overloaded);
  handlers.find("b")->count_failure();
  handlers.tally().refused(dispatch::Refusal::unknown_handler);

  const auto counts = handlers.counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].handler, "a");
  EXPECT_EQ(counts[0].refused, RefusalCounts{});
  EXPECT_EQ(counts[1].refused, (RefusalCounts{.overloaded = 1}));
  EXPECT_EQ(counts[1].failed, 1u);
  EXPECT_EQ(handlers.tally().refusals(), (RefusalCounts{.unknown_handler = 1, .overloaded = 1}));
}

TEST(HandlerRegistry, ListsNamesInOrder) {
  HandlerRegistry handlers;
  ASSERT_TRUE(handlers.add(named("b")).has_value());
  ASSERT_TRUE(handlers.add(named("a")).has_value());

  EXPECT_EQ(handlers.names(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace trestle::registry
