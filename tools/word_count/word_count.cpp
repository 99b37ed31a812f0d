// Counting words, byte by byte.
#include "word_count/word_count.hpp"

#include <algorithm>
#include <unordered_map>

namespace trestle::tools {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool is_word_byte(char c) noexcept {
  const char letter = lower(c);
  return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

WordCounts count_words(std::string_view text) {
  std::unordered_map<std::string, std::uint64_t> counts;
  std::string word;
  for (auto at = text.begin(); at != text.end();) {
    const auto begin = std::find_if(at, text.end(), is_word_byte);
    at = std::find_if_not(begin, text.end(), is_word_byte);
    if (begin == at) break;
    word.assign(begin, at);
    std::transform(word.begin(), word.end(), word.begin(), lower);
    ++counts[word];
  }
  return {counts.begin(), counts.end()};
}

void add_counts(WordCounts& sum, const WordCounts& more, std::uint64_t times) {
  for (const auto& [word, count] : more) sum[word] += count * times;
}

}  // namespace trestle::tools
