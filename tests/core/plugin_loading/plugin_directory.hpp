// A directory of its own for each test, to put plugin files into.
#pragma once

#include "plugin_loading/plugin_registry.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace trestle::plugin_loading {

class PluginDirectory {
 public:
  PluginDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trestle-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), pattern);
    }
    path_ = std::filesystem::canonical(pattern);
  }
  PluginDirectory(const PluginDirectory&) = delete;
  PluginDirectory& operator=(const PluginDirectory&) = delete;
  ~PluginDirectory() {
    std::error_code ignored;  // a directory left behind fails no test
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }

  /// Copies one of the built modules, such as "fake_none", under a name for the loader. Each copy
  /// is an object of its own, with its own state.
  std::filesystem::path install(const std::string& fake, const std::string& name) const {
    const auto target = path_ / name;
    std::filesystem::copy_file(std::filesystem::path(FAKE_PLUGIN_DIR) / (fake + ".so"), target);
    using std::filesystem::perms;
    std::filesystem::permissions(target, perms::owner_all | perms::group_read | perms::others_read);
    return target;
  }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name) << content;
    return path_ / name;
  }

  /// Options under which this directory alone is searched, as core's own plugin directory.
  SearchOptions options() const {
    SearchOptions options;
    options.beside_core = path_;
    return options;
  }

 private:
  std::filesystem::path path_;
};

/// How often the host called init of a fake plugin.
inline int init_calls(const tt_plugin& plugin) {
  return *static_cast<const int*>(plugin.extension("fake.init_calls/0"));
}

}  // namespace trestle::plugin_loading
