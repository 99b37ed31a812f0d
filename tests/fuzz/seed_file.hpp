// Files that fuzz targets start from.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string_view>

namespace trestle::fuzz {

/// Writes one input; ends the program if it cannot, as a build must not go on without it.
inline void write_seed(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (file.flush()) return;
  std::cerr << "cannot write " << path << '\n';
  std::exit(1);
}

/// The folder that a generator was told to write into.
inline std::filesystem::path seed_folder(int argc, char** argv) {
  if (argc == 2) return argv[1];
  std::cerr << "usage: " << argv[0] << " FOLDER\n";
  std::exit(2);
}

}  // namespace trestle::fuzz
