// One connection: dialled or accepted, then packets both ways, then closed once.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/send_queue.hpp>
#include <trestle/transport_kit/stream_reader.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "receive_memory.hpp"
#include "stream_options.hpp"

namespace trestle::tcp {

using transport_kit::Address;
using transport_kit::FileDescriptor;
using transport_kit::Loop;
using transport_kit::Pollable;

/// Sends up to this many bytes never borrow.
inline constexpr std::size_t copy_bytes_max = 4 * 1024;
/// From this size on, lending the buffer saves a copy that costs more than the SENT event.
inline constexpr std::size_t borrow_bytes_min = 16 * 1024;
/// Segments per send.
inline constexpr std::size_t segments_max = 64;

/// What the host asked of every connection at open.
struct Limits {
  std::uint64_t packet_bytes_max;
  std::uint64_t queue_bytes_max;
  std::chrono::nanoseconds linger;
};

/// What tt_conn is. Lifetime: until the host frees it, after CLOSED.
class Connection final : public Pollable {
 public:
  /// What all connections of a transport share. Lifetime: longer than they live.
  struct Shared {
    Loop& loop;
    ReceiveMemory& memory;
    const Limits& limits;
  };

  Connection(const Shared& shared, Scheme scheme, const StreamOptions& options);
  ~Connection() override;

  /// Waits for `dial`, at most the connect timeout. `target`: what the user asked for.
  void await_addresses(std::string target);
  /// Tries `addresses` in order; CONNECTED or CLOSED follows.
  void dial(std::string target, std::vector<Address> addresses);
  /// Ends a connection whose name could not be looked up.
  void give_up(const std::string& why) { finish(TT_E_UNREACHABLE, why); }
  /// Takes over an accepted socket; ACCEPTED with `cookie` of its listener follows.
  void adopt(FileDescriptor socket, const Address& peer, std::uint64_t cookie);

  void set_user(void* user) noexcept { user_ = user; }
  const sdk::ConnectionInfo& info() const noexcept { return info_; }
  /// Also of packets that are not complete.
  std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  bool is_closed() const noexcept { return state_ == State::closed; }

  void close(sdk::CloseMode mode);
  tt_status send(std::span<const tt_iov> segments, std::uint32_t flags, std::uint64_t op);
  /// Writes what was gathered by TT_SEND_MORE.
  void flush();
  /// Whether something gathered waits for `flush`.
  bool has_train() const noexcept { return state_ == State::up && !blocked_ && !queue_.empty(); }
  void set_reading(sdk::Reading reading);

  void on_ready(std::uint32_t epoll_events) override;
  void on_deadline() override;
  void work() override;
  Guess guess() override;

 private:
  /// A packet on its way into the socket or the queue.
  struct Outgoing {
    std::span<const tt_iov> segments;
    std::size_t bytes;  ///< with its header
    bool copied;
    std::uint64_t op;
  };

  enum class State {
    waiting,   ///< for the addresses of a name
    dialling,  ///< connect() runs, or is to be tried again
    up,
    flushing,  ///< closed by us: queued bytes and the goodbye are still on their way
    draining,  ///< goodbye sent; waiting for the peer's end of stream
    closed,
  };

  // connection.cpp: life
  void dial_next();
  bool dial_one(const Address& address);
  void set_dial_deadline();
  void finish_dialling();
  void come_up(std::uint16_t event_kind, std::uint64_t aux);
  void describe_ends();
  void finish(tt_status status, std::string text);
  void emit(std::uint16_t kind, tt_status status = TT_OK, std::uint64_t op = 0);
  std::uint32_t interest() const noexcept;
  void update_interest() noexcept;
  tt_conn* handle() noexcept { return reinterpret_cast<tt_conn*>(this); }

  // connection_send.cpp
  tt_status queue_packet(const Outgoing& packet);
  tt_status send_now(const Outgoing& packet, std::uint32_t flags);
  tt_status send_flat(const Outgoing& packet);
  tt_status keep_rest(std::span<tt_iov> rest, const Outgoing& packet);
  void write_queue();
  std::optional<std::size_t> write_some(std::span<const tt_iov> segments) noexcept;
  void report_sent(std::span<const std::uint64_t> ops, tt_status status);
  void queue_drained();
  void block();

  // connection_receive.cpp
  enum class Received { some, nothing, no_room, ended };
  void receive_packets();
  void take_packets();
  void deliver(transport_kit::StreamReader::Step step);
  Received receive(std::size_t& budget);
  void lost(int os_errno);
  void discard_input();
  void watch_progress();
  void check_progress();

  Loop& loop_;
  ReceiveMemory& memory_;
  const Limits& limits_;
  const Scheme scheme_;
  const StreamOptions options_;
  State state_ = State::waiting;
  void* user_ = nullptr;
  FileDescriptor socket_;
  sdk::ConnectionInfo info_;

  std::string target_;  ///< for texts
  std::vector<Address> addresses_;
  std::size_t next_address_ = 0;
  std::chrono::nanoseconds dial_until_{};
  std::optional<sdk::Error> first_failure_;

  transport_kit::SendQueue queue_;
  std::size_t refused_bytes_ = 0;  ///< of the send that got TT_E_AGAIN; 0: none
  bool blocked_ = true;            ///< the socket takes no more, or is not there yet
  int write_errno_ = 0;

  transport_kit::StreamReader reader_;
  std::uint64_t bytes_received_ = 0;
  bool readable_ = false;
  bool is_watched_ = false;  ///< a packet began; its progress is looked at from time to time
  bool is_suspect_ = false;  ///< there was none; what has come and was not read yet may be some
  std::uint64_t bytes_seen_ = 0;    ///< when it was last looked at
  std::uint64_t packets_seen_ = 0;  ///< likewise
  bool had_input_ = false;          ///< in the present `receive_packets`
  bool writable_ = false;
  bool paused_ = false;
  bool hung_up_ = false;  ///< while paused: out of the epoll set until resumed
  std::uint32_t interest_ = 0;
};

}  // namespace trestle::tcp
