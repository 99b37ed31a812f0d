// Reading texts and cutting them between words.
#include "corpus.hpp"

#include "word_count/word_count.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

namespace trestle::demo {
namespace {

namespace fs = std::filesystem;

constexpr const char* licence_directory = "/usr/share/common-licenses";
/// Larger texts become several calls.
constexpr std::size_t piece_bytes = 48 * 1024;

Result<std::string> read_file(const fs::path& file) {
  std::error_code failed;
  if (fs::is_directory(file, failed)) {
    return Error(Errc::invalid_argument, "cannot read " + file.string() + ": it is a directory");
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream.is_open() || stream.bad()) {
    return Error(Errc::invalid_argument, "cannot read " + file.string());
  }
  return text;
}

void cut(std::string_view text, std::vector<std::string>& pieces) {
  while (!text.empty()) {
    const auto from =
        text.begin() + static_cast<std::ptrdiff_t>(std::min(piece_bytes, text.size()));
    const auto end = std::find_if_not(from, text.end(), tools::is_word_byte);
    pieces.emplace_back(text.begin(), end);
    text.remove_prefix(pieces.back().size());
  }
}

}  // namespace

Result<std::vector<fs::path>> licence_files() {
  std::error_code failed;
  std::set<fs::path> files;  // sorted, each once
  fs::directory_iterator entries(licence_directory, failed);
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
    const fs::path real = fs::canonical(entries->path(), failed);
    if (!failed && fs::is_regular_file(real)) files.insert(real);
    failed.clear();  // a link that leads nowhere
  }
  if (files.empty()) {
    return Error(Errc::invalid_argument, std::string("no licence texts in ") + licence_directory +
                                             ": name text files as arguments instead");
  }
  return std::vector<fs::path>(files.begin(), files.end());
}

Result<Corpus> read_corpus(const std::vector<fs::path>& files) {
  Corpus corpus;
  std::set<std::string> seen;
  for (const fs::path& file : files) {
    auto text = read_file(file);
    if (text.has_error()) return std::move(text).error();
    if (!seen.insert(*text).second) continue;
    cut(*text, corpus.pieces);
    corpus.bytes += text->size();
    corpus.texts.push_back(std::move(*text));
  }
  if (corpus.bytes == 0) {
    return Error(Errc::invalid_argument, "nothing to count: all files are empty");
  }
  return corpus;
}

}  // namespace trestle::demo
