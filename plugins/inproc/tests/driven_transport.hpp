// A transport of the inproc plugin, driven through its C table.
#pragma once

#include <trestle/thin_transport.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace trestle::inproc::testing {

/// One transport and its host, with at most one connection that matters. Its functions fail the
/// program if the transport refuses what must work. Threads: TT_THREAD_MULTI.
class DrivenTransport {
 public:
  explicit DrivenTransport(std::uint64_t queue_bytes_max);
  ~DrivenTransport();
  DrivenTransport(const DrivenTransport&) = delete;

  std::string listen();
  tt_conn* connect(const std::string& uri);

  tt_status send(tt_conn* conn, std::string_view bytes, std::uint32_t flags = 0,
                 std::uint64_t op = 0);
  void close(tt_conn* conn, std::uint32_t flags = 0) { ops().conn_close(handle_, conn, flags); }
  void free(tt_conn* conn) { ops().conn_free(handle_, conn); }
  void release(tt_rx* rx) { ops().rx_release(handle_, rx); }
  void shutdown() { ops().shutdown(handle_, 0); }
  tt_status destroy();

  /// One batch, valid until the next.
  std::span<const tt_event> progress();
  tt_status arm();
  /// Sleeps as a host does, if the transport lets it; for ever if no wake-up comes.
  void sleep();

 private:
  const tt_ops& ops() const;
  void wake();

  tt_host host_{};
  tt_transport* handle_ = nullptr;
  std::array<tt_event, 64> events_{};
  std::mutex mutex_;
  std::condition_variable woken_;
  bool awake_ = true;
};

/// Two transports, and a connection between them that is up on both ends.
struct Pair {
  explicit Pair(std::uint64_t queue_bytes_max = 1 << 20);

  DrivenTransport sender;
  DrivenTransport receiver;
  tt_conn* out = nullptr;  ///< the sender's end
  tt_conn* in = nullptr;   ///< the receiver's
};

}  // namespace trestle::inproc::testing
