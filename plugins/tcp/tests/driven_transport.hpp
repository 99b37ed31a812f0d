// A transport of the tcp plugin, driven through its C table by a host that records everything.
#pragma once

#include <trestle/thin_transport.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "memory_meter.hpp"

namespace trestle::tcp::testing {

/// What happened on one connection. Its address is the connection's cookie.
struct Seen {
  tt_conn* conn = nullptr;
  int up = 0;
  int closed = 0;
  tt_status status = TT_OK;
  std::string text;
  std::vector<std::string> packets;
  int held = 0;  ///< packets that came with an rx
  std::vector<std::pair<std::uint64_t, tt_status>> sent;
  int writable = 0;
};

/// What opening, listening and connecting answer.
template <class T>
struct Answer {
  T value{};
  tt_status status = TT_OK;
  std::string text;
};

struct Opening {
  std::string scheme = "tcp";
  std::vector<tt_kv> options = {};
  std::uint32_t flags = 0;
  std::uint64_t packet_bytes_max = 64 << 20;
  std::uint64_t queue_bytes_max = 1 << 20;
  std::chrono::nanoseconds linger = std::chrono::seconds(10);
};

const tt_plugin& plugin();

/// One transport. Time is real, plus what `advance` added.
class DrivenTransport {
 public:
  explicit DrivenTransport(const Opening& opening);
  ~DrivenTransport();
  DrivenTransport(const DrivenTransport&) = delete;

  Answer<tt_listener*> listen(const std::string& uri);
  std::string uri(tt_listener* listener);
  void unlisten(tt_listener* listener) { ops().unlisten(transport_, listener); }
  Answer<Seen*> connect(const std::string& uri);
  tt_conn_info info(const Seen& conn);
  void close(Seen& conn, std::uint32_t flags = 0) {
    ops().conn_close(transport_, conn.conn, flags);
  }
  void pause(Seen& conn, bool on) { ops().conn_pause(transport_, conn.conn, on ? 1 : 0); }
  tt_status send(Seen& conn, std::string_view bytes, std::uint32_t flags = TT_SEND_COPY,
                 std::uint64_t op = 0);
  void flush() { ops().flush(transport_); }
  void shutdown() { ops().shutdown(transport_, 0); }

  /// One progress() with room for `cap` events; returns how many there were.
  int step(std::uint32_t cap = 64);
  /// Sleeps as a host does, at most `at_most`, if the transport lets it.
  void sleep(std::chrono::milliseconds at_most);
  void advance(std::chrono::nanoseconds by) { offset_ += by; }
  tt_attr attributes();
  bool wait_fd_readable();
  tt_status arm(std::uint64_t& deadline) { return ops().arm(transport_, &deadline); }

  std::deque<Seen*> accepted;
  int unlistened = 0;
  bool down = false;
  std::vector<std::string> logs;
  /// What send() and progress() did to the heap.
  const MemoryUse& memory() const { return memory_; }
  std::size_t lent_bytes = 0;  ///< that the plugin has from this host
  int lent_buffers = 0;        ///< that it ever got

 private:
  const tt_ops& ops() const { return *plugin().ops; }
  void take(const tt_event& event);

  tt_host host_{};
  tt_transport* transport_ = nullptr;
  std::chrono::nanoseconds offset_{0};
  int wake_fd_ = -1;
  MemoryUse memory_;
  std::list<Seen> connections_;
};

/// Drives `transports` until `done`, or fails the test after a watchdog.
void drive(std::initializer_list<DrivenTransport*> transports, const std::function<bool()>& done,
           std::string_view what);

/// A listener at `uri`, a client and a connection between them.
struct Linked {
  Linked(const std::string& listen_uri, const Opening& opening);

  DrivenTransport server;
  DrivenTransport client;
  tt_listener* listener = nullptr;
  std::string uri;
  Seen* in = nullptr;
  Seen* out = nullptr;
};

}  // namespace trestle::tcp::testing
