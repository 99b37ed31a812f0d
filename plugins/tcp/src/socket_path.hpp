// Files of unix listeners: made private, taken over when stale, removed at the end.
#pragma once

#include <trestle/sdk/result.hpp>

#include <sys/types.h>
#include <string>

namespace trestle::tcp {

/// The name of a bound unix socket in the file system; removes it on destruction if it is still
/// the same file, and the directory that was made for it.
class SocketPath {
 public:
  SocketPath() = default;
  SocketPath(SocketPath&& other) noexcept;
  SocketPath& operator=(SocketPath&& other) noexcept;
  ~SocketPath();

  /// A name in a new directory that only this user may enter, in XDG_RUNTIME_DIR or /tmp.
  static sdk::Result<SocketPath> generate();

  /// Frees `path` for a bind that said "in use": removes it if it is a socket that nobody serves.
  /// Errors: TT_E_ADDRINUSE: served, or not a socket, which is never removed.
  static sdk::Result<> clear_stale(const std::string& path);

  /// Takes over the removal of `path`, which was just bound.
  void claim(const std::string& path);

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  std::string directory_;  ///< made for this name; empty: none
  dev_t device_ = 0;
  ino_t inode_ = 0;  ///< 0: not bound
};

}  // namespace trestle::tcp
