// Files of unix listeners: named, taken over when stale, removed at the end.
#pragma once

#include <trestle/sdk/result.hpp>

#include <sys/types.h>
#include <cstdint>
#include <string>

namespace trestle::transport_kit {

/// The name of a bound unix socket in the file system; removes it on destruction if it is still
/// the same file.
class SocketPath {
 public:
  SocketPath() = default;
  /// Takes the place of `other`.
  SocketPath(SocketPath&& other) noexcept;
  /// Likewise; removes its own file.
  SocketPath& operator=(SocketPath&& other) noexcept;
  ~SocketPath();

  /// Frees `path` for a bind that said "in use": removes it if it is a socket that nobody serves.
  /// Errors: TT_E_ADDRINUSE: served, or not a socket, which is never removed.
  static sdk::Result<> clear_stale(const std::string& path);

  /// Takes over the removal of `path`, which was just bound.
  static SocketPath claim(const std::string& path);

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  ///< 0: none
};

/// A directory that only this user may enter, for listeners that need no name of their own. Made
/// with the first name, in XDG_RUNTIME_DIR or /tmp; removed on destruction.
class RunDirectory {
 public:
  RunDirectory() = default;
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  ~RunDirectory();

  /// A path that was not given out before.
  sdk::Result<std::string> next_path();

 private:
  std::string path_;  ///< empty: not made yet
  std::uint64_t next_ = 1;
};

}  // namespace trestle::transport_kit
