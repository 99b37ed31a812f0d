// Names of unix sockets in the file system.
#include <trestle/transport_kit/socket_path.hpp>

#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/socket_error.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <trestle/transport_kit/addresses.hpp>

namespace trestle::transport_kit {
namespace {

enum class Served { yes, no };

/// Whether a process has the stream socket at `address` open. Asking with a datagram socket never
/// connects, so a live listener sees nothing of it: it is EPROTOTYPE, a dead one ECONNREFUSED.
Served probe(const Address& address) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Served::yes;
  const int answer = ::connect(socket.get(), address.data(), address.size());
  return answer < 0 && errno == ECONNREFUSED ? Served::no : Served::yes;
}

sdk::Error in_use(const std::string& path, const char* why) {
  return sdk::Error(TT_E_ADDRINUSE, "cannot listen on unix://" + path + ": " + why, EADDRINUSE);
}

sdk::Result<std::string> make_directory(const std::string& parent) {
  std::string name = parent + "/trestle-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return socket_error("cannot make a directory in " + parent, errno);
  }
  return name;
}

}  // namespace

SocketPath::SocketPath(SocketPath&& other) noexcept {
  *this = std::move(other);
}

SocketPath& SocketPath::operator=(SocketPath&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

SocketPath::~SocketPath() {
  struct stat now {};
  // Someone may have removed our file and bound a new socket there; that one is not ours.
  if (inode_ != 0 && ::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ &&
      now.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

sdk::Result<> SocketPath::clear_stale(const std::string& path) {
  struct stat before {};
  if (::lstat(path.c_str(), &before) != 0) return {};
  if (!S_ISSOCK(before.st_mode)) return in_use(path, "the file exists and is not a socket");
  const auto address = unix_address(path);
  if (address.has_error()) return address.error();
  if (probe(*address) == Served::yes) return in_use(path, "another process listens there");
  // Between the probe and here another starter may have replaced the file with its own.
  struct stat now {};
  if (::lstat(path.c_str(), &now) == 0 && now.st_ino == before.st_ino &&
      now.st_dev == before.st_dev && ::unlink(path.c_str()) != 0) {
    return socket_error("cannot remove the stale socket " + path, errno);
  }
  return {};
}

SocketPath SocketPath::claim(const std::string& path) {
  SocketPath claimed;
  struct stat bound {};
  if (::lstat(path.c_str(), &bound) != 0) return claimed;
  claimed.path_ = path;
  claimed.device_ = bound.st_dev;
  claimed.inode_ = bound.st_ino;
  return claimed;
}

RunDirectory::~RunDirectory() {
  if (!path_.empty()) ::rmdir(path_.c_str());
}

sdk::Result<std::string> RunDirectory::next_path() {
  if (path_.empty()) {
    const char* runtime = ::secure_getenv("XDG_RUNTIME_DIR");
    auto made = make_directory(runtime != nullptr && runtime[0] == '/' ? runtime : "/tmp");
    if (made.has_error()) made = make_directory("/tmp");
    if (made.has_error()) return made.error();
    path_ = std::move(*made);
  }
  return path_ + "/" + std::to_string(next_++) + ".sock";
}

}  // namespace trestle::transport_kit
