// A connection over a stream socket: dialled or accepted, then packets both ways, then closed once.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/bound_socket.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/send_queue.hpp>
#include <trestle/transport_kit/stream_reader.hpp>
#include <trestle/transport_kit/stream_shared.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trestle::transport_kit {

/// How long a connection waits for its peer.
struct StreamPatience {
  /// For an answer to a connect; for the addresses of a name, too.
  std::chrono::nanoseconds connect = std::chrono::seconds(10);
  /// For a packet that has begun to arrive, and is not going on; zero: for ever.
  std::chrono::nanoseconds stall = std::chrono::seconds(30);
};

/// What tt_conn is in a transport over stream sockets; both ends speak what packet_framing.hpp
/// says. Lifetime: until the host frees it, after CLOSED. Threads: distinct objects safe.
class StreamConnection final : public Pollable {
 public:
  /// Sends up to this many bytes never borrow.
  static constexpr std::size_t copy_bytes_max = 4 * 1024;
  /// From this size on, lending the buffer saves a copy that costs more than the SENT event.
  static constexpr std::size_t borrow_bytes_min = 16 * 1024;
  /// Segments per send.
  static constexpr std::size_t segments_max = 64;

  /// `prepare`: for each of its sockets, before it is connected, or when it was accepted.
  explicit StreamConnection(StreamShared& shared, StreamPatience patience = {},
                            PrepareSocket prepare = {});
  ~StreamConnection() override;

  /// Waits for `dial`, as long as for an answer. `target`: what the user asked for.
  void await_addresses(std::string target);
  /// Tries `addresses` in order; CONNECTED or CLOSED follows.
  void dial(std::string target, std::vector<Address> addresses);
  /// Ends a connection that waits for addresses, as there are none.
  void give_up(const std::string& why);
  /// Takes over an accepted socket; ACCEPTED with the cookie of the listener follows.
  void accept(FileDescriptor socket, const Address& peer, void* listener_user);

  /// The host's cookie, which goes into its events.
  void set_user(void* user) noexcept { user_ = user; }
  /// Its ends, once it is up.
  const sdk::ConnectionInfo& info() const noexcept { return info_; }
  /// Also of packets that are not complete.
  std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  /// Whether CLOSED was queued.
  bool is_closed() const noexcept { return state_ == State::closed; }

  /// As tt_ops::conn_close.
  void close(sdk::CloseMode mode);
  /// As tt_ops::send. With TT_SEND_MORE small packets wait for StreamShared::flush().
  tt_status send(std::span<const tt_iov> segments, std::uint32_t flags, std::uint64_t op);
  /// As tt_ops::conn_pause.
  void set_reading(sdk::Reading reading);

 private:
  friend class StreamShared;

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

  void on_ready(std::uint32_t epoll_events) override;
  void on_deadline() override;
  void work() override;
  Guess guess() override;

  // stream_connection.cpp: life
  void dial_next();
  bool dial_one(const Address& address);
  void set_dial_deadline();
  void finish_dialling();
  void come_up(std::uint16_t event_kind, std::uint64_t aux);
  void describe_ends();
  void finish(tt_status status, std::string text);
  std::uint32_t interest() const noexcept;
  void update_interest() noexcept;
  tt_conn* handle() noexcept { return reinterpret_cast<tt_conn*>(this); }
  EventSource source() noexcept { return {handle(), &user_}; }

  // stream_connection_send.cpp
  void join_trains();
  void leave_trains();
  void flush();
  tt_status queue_packet(const Outgoing& packet);
  tt_status send_now(const Outgoing& packet, std::uint32_t flags);
  tt_status send_flat(const Outgoing& packet);
  tt_status keep_rest(std::span<tt_iov> rest, const Outgoing& packet);
  void write_queue();
  std::optional<std::size_t> write_some(std::span<const tt_iov> segments) noexcept;
  void report_sent(std::span<const std::uint64_t> ops, tt_status status);
  void queue_drained();
  void block();

  // stream_connection_receive.cpp
  enum class Received { some, nothing, no_room, ended };
  void receive_packets();
  void take_packets();
  void deliver(StreamReader::Step step);
  Received receive(std::size_t& budget);
  void lost(int os_errno);
  void discard_input();
  void watch_progress();
  void check_progress();

  StreamShared& shared_;
  Loop& loop_;
  const StreamPatience patience_;
  PrepareSocket prepare_;  ///< until there is a socket that stays
  State state_ = State::waiting;
  void* user_ = nullptr;
  FileDescriptor socket_;
  sdk::ConnectionInfo info_;

  std::string target_;  ///< for texts
  std::vector<Address> addresses_;
  std::size_t next_address_ = 0;
  std::chrono::nanoseconds dial_until_{};
  std::optional<sdk::Error> first_failure_;

  SendQueue queue_;
  std::size_t refused_bytes_ = 0;  ///< of the send that got TT_E_AGAIN; 0: none
  bool blocked_ = true;            ///< the socket takes no more, or is not there yet
  bool has_train_ = false;         ///< is in the list of those that gather
  int write_errno_ = 0;

  StreamReader reader_;
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

}  // namespace trestle::transport_kit
