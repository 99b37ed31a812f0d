// Descriptors that libfabric opened and does not name: kept from programs that a host starts, and
// looked at when one of them keeps the host awake.
#pragma once

#include <vector>

namespace trestle::ofi {

/// What an epoll descriptor watches. Empty where there is no /proc.
std::vector<int> watched_by(int epoll_fd);

/// Whether it is a socket whose other side has ended, with nothing left to read.
bool is_at_end(int socket);

/// Marks what an epoll descriptor of libfabric watches: the sockets of its endpoints.
void close_watched_on_exec(int epoll_fd);

/// Marks what is opened during its life: for the few calls that open what nobody watches. Another
/// thread's descriptors are marked, too, if they are opened meanwhile, unless they are files.
class CloseNewOnExec {
 public:
  CloseNewOnExec();
  CloseNewOnExec(const CloseNewOnExec&) = delete;
  CloseNewOnExec& operator=(const CloseNewOnExec&) = delete;
  ~CloseNewOnExec();

 private:
  std::vector<int> before_;
};

}  // namespace trestle::ofi
