// A connection over a stream socket: framing, flow, an orderly close, and loss. Every send copies.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/read_buffer.hpp>
#include <trestle/transport_kit/receive_pool.hpp>
#include <trestle/transport_kit/send_queue.hpp>
#include <trestle/transport_kit/stream_reader.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace trestle::transport_kit {

/// What the connections of a transport share. Lifetime: longer than they.
struct StreamShared {
  /// The limits come from `options`.
  StreamShared(std::unique_ptr<Loop> its_loop, const sdk::OpenOptions& options)
      : loop(std::move(its_loop)),
        pool(loop->host(), options.packet_bytes_max),
        packet_bytes_max(options.packet_bytes_max),
        queue_bytes_max(options.queue_bytes_max),
        linger(options.linger) {}

  /// Drives all sockets.
  const std::unique_ptr<Loop> loop;
  /// Memory of large packets.
  ReceivePool pool;
  ReadBuffer reads;  ///< to be recycled when a round begins
  /// Larger packets end a connection.
  const std::uint64_t packet_bytes_max;
  /// Unsent per connection; then TT_E_AGAIN.
  const std::uint64_t queue_bytes_max;
  /// For what is unsent at a close.
  const std::chrono::nanoseconds linger;
};

/// Both ends speak what packet_framing.hpp says. Threads: distinct objects safe.
class StreamConnection final : public Pollable {
 public:
  /// Segments of one send.
  static constexpr std::uint32_t segments_max = 16;

  /// `user`: the host's cookie.
  StreamConnection(StreamShared& shared, std::string peer_uri, void* user);
  ~StreamConnection() override { shared_.loop->forget(*this); }

  /// Who is at the other end.
  const std::string peer_uri;
  void* user;  ///< the host's cookie

  /// Goes on with a connected, non-blocking socket. Tells the host, with TT_EV_ACCEPTED and the
  /// cookie of the listener, or with TT_EV_CONNECTED.
  void accept(FileDescriptor socket, void* listener_user);
  /// Takes over a socket that is connecting; CONNECTED or CLOSED follows.
  void connect(FileDescriptor socket);

  /// As tt_ops::send, which copies.
  tt_status send(std::span<const tt_iov> segments);
  /// CLOSED follows.
  void close(sdk::CloseMode mode);

  /// Ends it at once, with CLOSED.
  void finish(tt_status why, std::string text);
  /// CLOSED was queued.
  bool is_closed() const noexcept { return state_ == State::closed; }

 private:
  enum class State { up, closing, closed };

  void on_deadline() override;
  void work() override;
  void start(FileDescriptor socket, const tt_event& first);
  void write();
  void read();
  void take_packet(StreamReader::Step step);
  bool fill_reader();
  void emit(tt_event event, std::string text = {});
  tt_conn* handle() noexcept { return reinterpret_cast<tt_conn*>(this); }

  StreamShared& shared_;
  FileDescriptor socket_;
  StreamReader reader_;
  SendQueue queue_;
  State state_ = State::up;
  std::uint32_t interest_ = 0;     ///< what epoll looks for
  std::size_t refused_bytes_ = 0;  ///< of the send that was told TT_E_AGAIN
};

}  // namespace trestle::transport_kit
