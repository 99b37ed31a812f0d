// A transport with one bug of your choice: a correct one inside, distorted on the way out.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace mutant {

enum class Bug {
  none,
#define MUTANT(name, check, text) name,
#include "mutants.def"
#undef MUTANT
};

/// The bug that the environment names in TRESTLE_MUTANT; Bug::none without it.
Bug chosen_bug();

/// Bytes of the largest packet, if the environment names it in TRESTLE_MUTANT_LARGEST, which is no
/// bug; 0 without it.
std::uint64_t chosen_largest();

inline bool has(Bug bug) {
  return chosen_bug() == bug;
}

/// The correct transport's table. Lifetime: after load_inner().
const tt_ops& inner();
tt_status load_inner(tt_error* error);

/// The same address in the inner transport's scheme, and back.
std::string inward(const std::string& uri);
std::string outward(const std::string& uri);

using Bytes = std::vector<std::byte>;

Bytes gather(std::span<const tt_iov> segments);

struct Conn {
  tt_conn* inner = nullptr;
  void* user = nullptr;
  std::string uri;  ///< of the listener, at the connecting end
  bool closed = false;
  bool was_up = false;
  bool owes_writable = false;
  bool leads_outside = false;  ///< of asleep_to_the_outside: to another process, and heard from
  bool revived = false;
  void* memory = nullptr;                   ///< of allocation_unchecked
  std::vector<Bytes> train;                 ///< of reordered_by_flush
  std::vector<std::vector<tt_iov>> unsent;  ///< of copy_borrows: the host's memory
  std::deque<Bytes> backlog;                ///< of backlog_unlimited
  Bytes late;                               ///< of late_from_other_threads
};

struct Transport {
  tt_host host{};  ///< what the inner transport sees
  const tt_host* outer = nullptr;
  tt_transport* inner = nullptr;
  tt_attr attr{};
  std::uint64_t queue_bytes = 0;
  std::map<tt_conn*, std::unique_ptr<Conn>> conns;  ///< by the inner handle
  std::deque<tt_event> extra;                       ///< made up; handed out first
  std::vector<int> descriptors;                     ///< closed by destroy()
  Bytes shared_buffer;                              ///< of batch_in_one_buffer
  std::vector<tt_conn*> accepted;                   ///< inner handles
  std::vector<tt_conn*> stopped;                    ///< of shown_packets_hold_up: inner handles
  std::span<std::byte> shown;                       ///< of sends_from_the_receive_buffer
  unsigned packets = 0;
  unsigned sends = 0;
  unsigned held = 0;  ///< packets with an rx, not released
  std::thread::id opener = std::this_thread::get_id();
  unsigned sleeps = 0;
  int leaky_fd = -1;  ///< of wake_up_lost_now_and_then: the inner wait_fd, but not always
  bool down = false;
};

Transport& self(tt_transport* transport);
Conn& self(tt_conn* conn);
tt_conn* handle(Conn& conn);

/// Hands `event` out with the next batch.
void add_event(Transport& transport, const tt_event& event);

/// A copying send of one segment to the inner transport.
tt_status send_copy(Transport& transport, Conn& conn, const Bytes& bytes);

/// Whether the leaky descriptor shows what the inner wait_fd has.
enum class Leak { none, everything };
void set_leak(Transport& transport, Leak leak);

/// Whether a listener of this process has the address.
bool is_at_home(const std::string& uri);

/// Closes what looks like its own, and is not.
void close_every_epoll();

/// A quarter of a second of it.
void burn_processor_time();

/// A thread that never ends; a descriptor that nobody closes.
void start_thread();
int open_descriptor(int flags);

// The slots of the table, by the file that they are in.
tt_status open(const tt_host* host, const tt_open_params* params, tt_transport** out,
               tt_error* error);
tt_status query(tt_transport* transport, tt_attr* attr);
void shutdown(tt_transport* transport, std::uint32_t flags);
tt_status destroy(tt_transport* transport);
tt_status listen(tt_transport* transport, const char* uri, void* user, tt_listener** out,
                 tt_error* error);
tt_status listener_uri(tt_transport* transport, tt_listener* listener, char* buf, std::size_t* len);
void unlisten(tt_transport* transport, tt_listener* listener);
tt_status connect(tt_transport* transport, const char* uri, void* user, tt_conn** out,
                  tt_error* error);
void conn_set_user(tt_transport* transport, tt_conn* conn, void* user);
tt_status conn_info(tt_transport* transport, tt_conn* conn, tt_conn_info* info);
void conn_close(tt_transport* transport, tt_conn* conn, std::uint32_t flags);
void conn_free(tt_transport* transport, tt_conn* conn);

tt_status send(tt_transport* transport, tt_conn* conn, const tt_iov* segments, std::uint32_t n,
               std::uint32_t flags, std::uint64_t op);
tt_status flush(tt_transport* transport);
void rx_release(tt_transport* transport, tt_rx* rx);
void conn_pause(tt_transport* transport, tt_conn* conn, std::int32_t on);

std::int32_t progress(tt_transport* transport, tt_event* events, std::uint32_t cap);
tt_status arm(tt_transport* transport, std::uint64_t* deadline_ns);

}  // namespace mutant
