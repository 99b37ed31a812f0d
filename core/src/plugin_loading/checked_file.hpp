// A plugin file between its inspection and its loading.
#pragma once

#include "plugin_loading/search_directories.hpp"

#include <trestle/error.hpp>

#include <filesystem>

namespace trestle::plugin_loading {

/// A regular file that passed the rules for how it was found. Holds the file open and one page of
/// it mapped, so that its inode cannot be reused and the loaded object can be compared with it.
class CheckedFile {
 public:
  /// A file that was found by name is refused when it, or a directory that leads to it, is writable
  /// by everyone; an elevated process also wants a trusted owner. A file that the program itself
  /// named (`SearchRule::added`) is exempt from both.
  /// Errors: Errc::plugin_rejected, naming the rule.
  static Result<CheckedFile> open(const std::filesystem::path& file, SearchRule rule,
                                  const SearchOptions& options);

  CheckedFile(CheckedFile&& other) noexcept;
  CheckedFile(const CheckedFile&) = delete;
  CheckedFile& operator=(const CheckedFile&) = delete;
  CheckedFile& operator=(CheckedFile&&) = delete;
  ~CheckedFile();

  /// The path as found.
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Free of symbolic links: two names of one file load as one object.
  const std::filesystem::path& real_path() const noexcept { return real_path_; }

  /// Whether `loaded`, an address in mapped memory, is backed by this very device and inode.
  /// Errors: Errc::plugin_rejected if it is not, or if the kernel does not say.
  Result<void> confirm_backs(const void* loaded) const;

 private:
  CheckedFile() = default;

  std::filesystem::path path_;
  std::filesystem::path real_path_;
  int descriptor_ = -1;
  void* page_ = nullptr;
};

}  // namespace trestle::plugin_loading
