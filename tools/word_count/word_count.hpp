// How often each word occurs in a text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace trestle::tools {

/// Occurrences by word, in lower case.
using WordCounts = std::map<std::string, std::uint64_t>;

/// Whether `c` can be part of a word: a letter or digit of ASCII, or any byte of a multi-byte UTF-8
/// character. All else separates words.
bool is_word_byte(char c) noexcept;

/// Counts the words of `text`; the case of ASCII letters makes no difference.
WordCounts count_words(std::string_view text);

/// Adds `more` to `sum`, each count `times` times.
void add_counts(WordCounts& sum, const WordCounts& more, std::uint64_t times = 1);

}  // namespace trestle::tools
