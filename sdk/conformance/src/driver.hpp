// One transport of the plugin under test, driven as a host drives it, every event checked.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "connection.hpp"
#include "test_host.hpp"

namespace trestle::conformance {

struct Listener {
  tt_listener* handle = nullptr;
  bool gone = false;  ///< UNLISTENED came
  std::vector<Connection*> accepted;
};

/// What becomes of packets that the host may hold.
enum class Holding { release_at_once, keep };

struct OpenOptions {
  std::uint64_t packet_bytes_max = 64ull << 20;
  std::uint64_t queue_bytes_max = 64ull << 20;
  std::uint32_t flags = 0;
  ClockKind clock = ClockKind::real;
  std::uint32_t batch_events = 16;  ///< the cap of every progress()
  std::chrono::nanoseconds linger{5'000'000'000};
  std::uint64_t first_packet_bytes_max = 0;  ///< of accepted connections; 0: as any other
};

struct SendResult {
  tt_status status = TT_OK;
  std::uint64_t op = 0;
};

/// Result of a cold call that may fail.
struct ColdResult {
  tt_status status = TT_OK;
  std::string text;
};

/// Threads: one at a time for progress, arm, shutdown and destroy; any for the rest, for SERIAL
/// transports too: the driver is the host that serialises.
class Driver {
 public:
  Driver(const tt_plugin& plugin, const Subject& subject, const OpenOptions& options);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  const tt_attr& attributes() const { return attributes_; }
  /// `bytes`, or what the transport's largest packet has, if that is less.
  std::size_t fitting(std::size_t bytes) const {
    const std::uint64_t most = attributes_.max_msg;
    return most == 0 ? bytes : static_cast<std::size_t>(std::min<std::uint64_t>(bytes, most));
  }
  tt_attr query_again();
  /// Fills a table of any size.
  void query_into(tt_attr& attr);
  /// Connects to a URI that no transport takes; the table may be of any size.
  void connect_badly(tt_error* error);
  const void* extension(const char* id);
  TestHost& host() { return *host_; }

  Listener& listen(const std::string& uri);
  ColdResult try_listen(const std::string& uri, Listener** out = nullptr);
  ColdResult read_listener_uri(Listener& listener, std::size_t room);
  std::string uri_of(Listener& listener);
  void unlisten(Listener& listener);

  Connection& connect(const std::string& uri);
  ColdResult try_connect(const std::string& uri, Connection** out = nullptr);
  tt_conn_info describe(Connection& conn);

  SendResult send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags = 0);
  SendResult send(Connection& conn, std::span<const std::byte> bytes, std::uint32_t flags = 0);
  /// Begins a get or a put of tt.bulk: `call(transport, conn, op)`.
  template <class Call>
  SendResult start_bulk(Connection& conn, Call call) {
    SendResult result{.op = ++last_op_};
    const auto guard = serialise();
    const std::lock_guard lock(state_mutex_);
    result.status = call(transport_, conn.handle, result.op);
    if (result.status == TT_PENDING) conn.bulk_pending.insert(result.op);
    return result;
  }
  /// Any other of its functions: `call(transport, conn)`.
  template <class Call>
  auto with_bulk(Connection& conn, Call call) {
    const auto guard = serialise();
    return call(transport_, conn.handle);
  }
  void flush();
  void pause(Connection& conn);
  void resume(Connection& conn);
  void close(Connection& conn, std::uint32_t flags = 0);
  void free(Connection& conn);
  /// Also gives back what the kit itself knows of it.
  void free_and_forget(Listener* from, Connection& conn);
  void release(Arrival& arrival);

  /// One batch; returns the number of events.
  std::uint32_t progress();
  /// False for TT_E_BUSY.
  bool arm();
  /// What the last arm() said; 0 for none.
  std::uint64_t deadline_ns() const { return deadline_ns_; }
  /// After arm(): how long the transport lets the host sleep.
  std::chrono::milliseconds until_deadline() const;
  /// After arm(): true if the transport's descriptor or wake() ended the sleep.
  bool sleep(std::chrono::milliseconds bound);
  /// The same in the one way that asks most of the transport: where it promises to announce every
  /// event by wake(), its descriptor does not count.
  bool sleep_strictly(std::chrono::milliseconds bound);
  bool has_deadline() const { return deadline_ns_ != 0; }
  bool can_sleep() const { return attributes_.wait_flags != 0; }

  void shutdown();
  tt_status destroy();

  bool is_down() const { return down_; }
  bool is_destroyed() const { return transport_ == nullptr; }
  bool was_shut_down() const { return shutting_down_; }

  void set_holding(Holding holding) { holding_ = holding; }
  std::vector<std::unique_ptr<Connection>>& connections() { return connections_; }
  std::vector<Violation> violations() const;

  /// Reads `read(conn)` under the lock that guards connections.
  template <class Read>
  auto locked(Read read) const {
    const std::lock_guard lock(state_mutex_);
    return read();
  }

 private:
  std::unique_lock<std::mutex> serialise();
  bool sleep_on(int wait_fd, std::chrono::milliseconds bound);
  void take(const tt_event& event);
  void take_listener_event(const tt_event& event);
  void take_connection_event(const tt_event& event);
  Connection& accept(const tt_event& event);
  void take_packet(Connection& conn, const tt_event& event);
  void answer_batch();
  void check_batch(std::span<const tt_event> events);
  void check_answer(const SendResult& result, std::size_t bytes, std::uint32_t flags);
  void settle_send(Connection& conn, const SendResult& result);
  void violate(const Rule& rule, const std::string& text);

  const tt_ops& ops_;
  std::unique_ptr<TestHost> host_;
  tt_transport* transport_ = nullptr;
  tt_attr attributes_{};
  const std::uint32_t batch_events_;
  Holding holding_ = Holding::release_at_once;
  bool shutting_down_ = false;
  bool down_ = false;
  std::uint64_t deadline_ns_ = 0;
  std::atomic<std::uint64_t> last_op_{0};
  std::mutex serial_mutex_;
  mutable std::mutex
      state_mutex_;  ///< innermost; of calls into the plugin only connect() runs under it
  std::map<tt_conn*, Connection*> by_handle_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<tt_rx*> to_release_;     ///< of this batch
  std::vector<Connection*> accepted_;  ///< in this batch; they need their cookie
  std::vector<Violation> violations_;
};

}  // namespace trestle::conformance
