// What counts as a word.
#include "word_count/word_count.hpp"

#include <gtest/gtest.h>

namespace trestle::tools {
namespace {

TEST(CountWords, IgnoresTheCaseAndWhatSeparatesWords) {
  const auto counts = count_words("The cat -- the \"CAT\"!\nthe dog.");

  EXPECT_EQ(counts, (WordCounts{{"cat", 2}, {"dog", 1}, {"the", 3}}));
}

TEST(CountWords, KeepsDigitsAndMultiByteCharactersInWords) {
  const auto counts = count_words("GPL2 na\xc3\xafve 2004");

  EXPECT_EQ(counts, (WordCounts{{"2004", 1}, {"gpl2", 1}, {"na\xc3\xafve", 1}}));
}

TEST(CountWords, FindsNothingInNothing) {
  EXPECT_TRUE(count_words("").empty());
  EXPECT_TRUE(count_words(" \n.,;").empty());
}

TEST(AddCounts, MultipliesWhatItAdds) {
  WordCounts sum{{"a", 1}};

  add_counts(sum, {{"a", 2}, {"b", 1}}, 10);

  EXPECT_EQ(sum, (WordCounts{{"a", 21}, {"b", 10}}));
}

}  // namespace
}  // namespace trestle::tools
