// The texts whose words are counted.
#pragma once

#include <trestle/error.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::demo {

/// Distinct texts, cut into pieces that fit into one call each.
struct Corpus {
  std::vector<std::string> texts;
  std::vector<std::string> pieces;  ///< put together: the texts; no word is cut in two
  std::size_t bytes = 0;            ///< of all texts
};

/// The files that Debian installs in /usr/share/common-licenses; links to one file count once.
Result<std::vector<std::filesystem::path>> licence_files();

/// Reads `files`; those with the content of an earlier one are left out.
/// Errors: invalid_argument: a file that cannot be read, or not a word in any of them.
Result<Corpus> read_corpus(const std::vector<std::filesystem::path>& files);

}  // namespace trestle::demo
