// Descriptors that libfabric opened and does not name: kept from programs that a host starts, and
// looked at when one of them keeps the host awake.
#pragma once

#include <vector>

namespace trestle::ofi {

/// What an epoll descriptor watches. Empty where there is no /proc.
std::vector<int> watched_by(int epoll_fd);

/// Whether it is a socket whose other side has ended, with nothing left to read.
bool is_at_end(int socket);

/// Marks the sockets that are opened during its life, by the numbers that were free: cheap, for
/// what is done for every connection.
class CloseNewSocketsOnExec {
 public:
  CloseNewSocketsOnExec();
  CloseNewSocketsOnExec(const CloseNewSocketsOnExec&) = delete;
  CloseNewSocketsOnExec& operator=(const CloseNewSocketsOnExec&) = delete;
  ~CloseNewSocketsOnExec();

 private:
  int first_free_;
};

/// Marks all that is opened during its life, for the few calls that open more than sockets. Here
/// and above another thread's are marked, too, if they are opened meanwhile; files are not.
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
