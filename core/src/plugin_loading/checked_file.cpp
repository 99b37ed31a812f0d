// Inspecting a plugin file, and proving that what was loaded is what was inspected.
#include "plugin_loading/checked_file.hpp"

#include "plugin_loading/rejection.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <locale>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

namespace trestle::plugin_loading {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t probe_bytes = 1;  // the kernel maps the whole page

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// The rule that owner or permission bits break; nothing if none. Bits and not access(2), because
/// the question is who else may have written here, not what we may do.
std::optional<std::string> broken_rule(const struct stat& status, const std::string& what,
                                       const SearchOptions& options) {
  if ((status.st_mode & S_IWOTH) != 0) {
    return what + " is writable by everyone (chmod o-w to use it)";
  }
  const auto& owners = options.trusted_owners;
  if (options.privilege == Privilege::elevated &&
      std::find(owners.begin(), owners.end(), status.st_uid) == owners.end()) {
    return what + " belongs to user " + std::to_string(status.st_uid) +
           ", whom a process with elevated privileges does not trust";
  }
  return std::nullopt;
}

std::optional<std::string> broken_directory_rule(const fs::path& directory,
                                                 const SearchOptions& options) {
  const std::string what = "its directory " + directory.string();
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) {
    return what + " cannot be inspected: " + reason(errno);
  }
  return broken_rule(status, what, options);
}

/// "device inode" of the file mapped at `address`, as the kernel prints them. Compared only with
/// one another: on some file systems the numbers of stat(2) differ from these.
std::optional<std::string> backing_file(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    std::istringstream fields(line);
    fields.imbue(std::locale::classic());
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string permissions, offset, device, inode;
    fields >> std::hex >> begin >> dash >> end >> permissions >> offset >> device >> inode;
    if (fields && begin <= wanted && wanted < end) return device + ' ' + inode;
  }
  return std::nullopt;
}

}  // namespace

CheckedFile::CheckedFile(CheckedFile&& other) noexcept
    : path_(std::move(other.path_)),
      real_path_(std::move(other.real_path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      page_(std::exchange(other.page_, nullptr)) {}

CheckedFile::~CheckedFile() {
  if (page_ != nullptr) munmap(page_, probe_bytes);
  if (descriptor_ >= 0) close(descriptor_);
}

Result<CheckedFile> CheckedFile::open(const fs::path& path, SearchRule rule,
                                      const SearchOptions& options) {
  CheckedFile file;
  file.path_ = path;
  std::error_code failed;
  file.real_path_ = fs::canonical(path, failed);
  if (failed) return rejected(path, "cannot be resolved: " + failed.message());

  // Without O_NONBLOCK a FIFO of that name would hold the program up for ever.
  file.descriptor_ = ::open(file.real_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) return rejected(path, "cannot be read: " + reason(errno));
  struct stat status {};
  if (fstat(file.descriptor_, &status) != 0) {
    return rejected(path, "cannot be inspected: " + reason(errno));
  }
  if (!S_ISREG(status.st_mode)) return rejected(path, "is not a regular file");

  if (rule != SearchRule::added) {
    auto broken = broken_rule(status, "the file", options);
    if (!broken) broken = broken_directory_rule(path.parent_path(), options);
    if (!broken) broken = broken_directory_rule(file.real_path_.parent_path(), options);
    if (broken) return rejected(path, *broken);
  }

  void* page = mmap(nullptr, probe_bytes, PROT_READ, MAP_PRIVATE, file.descriptor_, 0);
  if (page == MAP_FAILED) return rejected(path, "cannot be mapped: " + reason(errno));
  file.page_ = page;
  return file;
}

Result<void> CheckedFile::confirm_backs(const void* loaded) const {
  const auto expected = backing_file(page_);
  const auto actual = backing_file(loaded);
  if (!expected || !actual) {
    return rejected(path_, "/proc/self/maps does not tell which file was loaded");
  }
  if (*expected != *actual) {
    return rejected(path_,
                    "was replaced after it was checked: the loaded object has device and "
                    "inode " +
                        *actual + ", the checked file " + *expected);
  }
  return {};
}

}  // namespace trestle::plugin_loading
