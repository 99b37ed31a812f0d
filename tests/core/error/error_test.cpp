// Errors as values: names, sentences, identity of the category.
#include <trestle/error.hpp>

#include <gtest/gtest.h>

namespace trestle {
namespace {

TEST(Errc, HasANameAndASentence) {
  const Error error(Errc::handler_not_found, "no handler 'sum' here");

  EXPECT_EQ(to_string(Errc::handler_not_found), "handler_not_found");
  EXPECT_EQ(error.code.message(), "the peer has no such handler");
}

TEST(Error, IsItsOwnCodeOnly) {
  const Error error(Errc::deadline_exceeded, "late", Ran::maybe);

  EXPECT_TRUE(error.is(Errc::deadline_exceeded));
  EXPECT_FALSE(error.is(Errc::cancelled));
  EXPECT_EQ(to_string(error.ran), "may have run");
}

TEST(Result, ThrowsItsErrorFromValue) {
  const Result<int> result = Error(Errc::no_target, "nobody to call");

  try {
    (void)result.value();
    FAIL() << "value() gave a value";
  } catch (const BadResult& thrown) {
    EXPECT_TRUE(thrown.error().is(Errc::no_target));
    EXPECT_STREQ(thrown.what(), "nobody to call");
  }
}

TEST(Error, PrintsItsTextItsNameAndWhetherTheHandlerRan) {
  const Error error(Errc::deadline_exceeded, "too slow", Ran::maybe);

  EXPECT_EQ(to_string(error), "too slow [deadline_exceeded, the handler may have run]");
}

}  // namespace
}  // namespace trestle
