// Finding descriptors through /proc, since libfabric does not name them.
#include "library_descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace trestle::ofi {
namespace {

void close_on_exec(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

/// Sorted; empty where there is no /proc.
std::vector<int> open_descriptors() {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir("/proc/self/fd"), &::closedir);
  if (listing == nullptr) return numbers;
  while (const dirent* entry = ::readdir(listing.get())) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && number != ::dirfd(listing.get())) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool is_socket(int fd) noexcept {
  struct stat about {};
  return ::fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

/// The number that the next descriptor gets; negative: there is none left.
int lowest_free_number() noexcept {
  const int number = ::eventfd(0, EFD_CLOEXEC);
  if (number >= 0) ::close(number);
  return number;
}

bool is_file(int fd) noexcept {
  struct stat about {};
  return ::fstat(fd, &about) != 0 || S_ISREG(about.st_mode) || S_ISDIR(about.st_mode);
}

}  // namespace

std::vector<int> watched_by(int epoll_fd) {
  std::vector<int> watched;
  const std::string path = "/proc/self/fdinfo/" + std::to_string(epoll_fd);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (file == nullptr) return watched;
  char line[256];
  while (std::fgets(line, sizeof(line), file.get()) != nullptr) {
    int number = -1;
    if (std::sscanf(line, "tfd: %d", &number) == 1) watched.push_back(number);
  }
  return watched;
}

bool is_at_end(int socket) {
  std::byte next{};
  return ::recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

CloseNewSocketsOnExec::CloseNewSocketsOnExec() : first_free_(lowest_free_number()) {}

CloseNewSocketsOnExec::~CloseNewSocketsOnExec() {
  // Something that was closed again meanwhile may leave a gap in front of what stayed.
  constexpr int gap_max = 4;
  if (first_free_ < 0) return;
  const int end = std::max(first_free_, lowest_free_number()) + gap_max;
  for (int fd = first_free_; fd < end; ++fd) {
    if (is_socket(fd)) close_on_exec(fd);
  }
}

CloseNewOnExec::CloseNewOnExec() : before_(open_descriptors()) {}

CloseNewOnExec::~CloseNewOnExec() {
  if (before_.empty()) return;
  for (const int fd : open_descriptors()) {
    const bool is_new = !std::binary_search(before_.begin(), before_.end(), fd);
    if (is_new && !is_file(fd)) close_on_exec(fd);
  }
}

}  // namespace trestle::ofi
