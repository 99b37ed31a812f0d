// An open instance of a transport plugin, as the engine holds it.
#pragma once

#include <trestle/ext/activity.h>
#include <trestle/ext/bulk.h>
#include <trestle/thin_transport.h>
#include <trestle/clock.hpp>
#include <trestle/error.hpp>
#include <trestle/payload.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/host_table.hpp"
#include "engine/packet_hold.hpp"
#include "wire/packet.hpp"

namespace trestle::engine {

/// What one connection of a transport has to say. The connection's cookie points to it.
/// Called with the engine's lock held, by the leader.
class LinkEvents {
 public:
  virtual void on_connected() = 0;
  /// `packet` is valid during the call; `source` makes parts of it outlive that.
  virtual void on_packet(const wire::PacketView& packet, PacketSource& source) = 0;
  virtual void on_sent(std::uint64_t op, tt_status status) = 0;
  virtual void on_writable() = 0;
  /// A get() has ended. `bytes` are valid during the call; `source` makes them outlive that.
  virtual void on_bulk(std::uint64_t /*op*/, tt_status /*status*/, BytesView /*bytes*/,
                       PacketSource& /*source*/) {}
  /// The last event; the connection was freed already.
  virtual void on_closed(tt_status status, std::string_view text) = 0;

 protected:
  ~LinkEvents() = default;
};

/// Who is told of new inbound connections.
class ListenEvents {
 public:
  /// Returns who takes the connection's events.
  virtual LinkEvents& on_accepted(class Transport& transport, tt_conn* conn) = 0;

 protected:
  ~ListenEvents() = default;
};

struct TransportLimits {
  std::uint64_t packet_bytes_max = 0;
  std::uint64_t first_packet_bytes_max = 0;  ///< of connections that come in; 0: as any other
  std::uint64_t queue_bytes_max = 0;
  TimePoint linger{0};
  bool threads_allowed = true;
};

/// Maps a transport's status to an error of ours.
Errc errc_of(tt_status status) noexcept;

/// Which payloads a connection may lend by tt.bulk.
struct BulkTerms {
  std::size_t bytes_min = 0;
  std::size_t bytes_max = 0;
};

/// Memory that the other side may read.
struct BulkOffer {
  tt_bulk_region* region = nullptr;
  tt_bulk_range range{};
};

/// Owns a tt_transport. Threads: under the engine's lock; progress() and arm() by the leader only.
class Transport {
 public:
  static Result<std::unique_ptr<Transport>> open(const tt_plugin& plugin, std::string_view scheme,
                                                 HostServices services,
                                                 std::shared_ptr<ReleaseQueue> released,
                                                 const TransportLimits& limits);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const std::string& scheme() const noexcept { return scheme_; }
  const tt_attr& attributes() const noexcept { return attributes_; }
  bool has(std::uint64_t capability) const noexcept { return (attributes_.caps & capability) != 0; }

  /// Returns the real URI. Lifetime: `events` outlives the listener.
  Result<std::string> listen(const std::string& uri, ListenEvents& events);
  Result<tt_conn*> connect(const std::string& uri, LinkEvents& events);
  tt_status send(tt_conn* conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) noexcept;
  void close(tt_conn* conn, std::uint32_t flags) noexcept;
  void release(tt_rx* rx) noexcept;
  /// Also of packets that are not complete; 0 if the transport does not say.
  std::uint64_t bytes_received(tt_conn* conn) const noexcept {
    return activity_ != nullptr ? activity_->bytes_received(handle_, conn) : 0;
  }
  // ---- tt.bulk: only on connections that are up and have terms ----
  std::optional<BulkTerms> bulk_terms(tt_conn* conn) const noexcept;
  /// Empty: the transport cannot now.
  std::optional<BulkOffer> offer(tt_conn* conn, BytesView bytes) noexcept;
  void withdraw(tt_conn* conn, tt_bulk_region* region) noexcept;
  /// The same of one that the other side may be reading. TT_PENDING: its memory stays as it is
  /// until on_bulk().
  tt_status retire(tt_conn* conn, tt_bulk_region* region, std::uint64_t op) noexcept;
  /// TT_PENDING: on_bulk() follows.
  tt_status get(tt_conn* conn, const tt_bulk_range& range, std::uint64_t op) noexcept;

  /// Stops reading from a connection, or goes on. Only with TT_CAP_RX_PAUSE.
  enum class Reading : std::int32_t { resumed = 0, paused = 1 };
  void pause(tt_conn* conn, Reading reading) noexcept;

  // ---- Buffers that payloads hold. Threads: any ----
  bool takes_releases_anywhere() const noexcept {
    return attributes_.thread_level == TT_THREAD_MULTI;
  }
  /// Under the engine's lock.
  void begin_hold() noexcept { ++holds_begun_; }
  /// Gives a buffer back. Under the engine's lock, unless takes_releases_anywhere().
  void end_hold(tt_rx* rx) noexcept;

  /// Takes one batch of events and hands them on; returns how many.
  std::size_t progress();
  /// TT_OK: may sleep, at most until `deadline` if set.
  tt_status arm(std::optional<TimePoint>& deadline);

  /// The user at the other end, where the kernel told the transport; or -1. Of connections that are
  /// up, and not closed.
  std::int64_t peer_user(const LinkEvents& link) const noexcept;

  /// What went through it, for statistics.
  struct Traffic {
    std::uint64_t packets_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t packets_received = 0;
    std::uint64_t bytes_received = 0;
  };
  const Traffic& traffic() const noexcept { return traffic_; }

  /// Starts the end: all connections close, then is_down().
  void shutdown() noexcept;
  bool is_down() const noexcept { return down_; }
  /// True once progress() said that the transport is broken; it is down, too.
  bool has_failed() const noexcept { return failed_; }
  /// The plugin may still read these: they go when it is destroyed, or never.
  void keep(std::vector<Payload> payloads) {
    for (Payload& payload : payloads) kept_.push_back(std::move(payload));
  }
  /// Frees the plugin's side. False: buffers are still held; the transport is leaked, not freed
  /// under a reader.
  bool destroy() noexcept;

 private:
  Transport(const tt_plugin& plugin, std::string_view scheme, HostServices services,
            std::shared_ptr<ReleaseQueue> released);

  void note_user(tt_conn* conn, const LinkEvents& link);
  void find_extensions();
  /// An event that is neither PACKET nor SENT.
  [[gnu::noinline]] void dispatch(const tt_event& event);
  void deliver_packet(const tt_event& event);
  [[gnu::noinline]] void deliver_segments(const tt_event& event);

  const tt_ops& ops_;
  std::string scheme_;
  HostServices services_;
  std::shared_ptr<ReleaseQueue> released_;
  HostTable host_;
  tt_transport* handle_ = nullptr;
  tt_attr attributes_{};
  const tt_activity* activity_ = nullptr;  // where it has that extension
  const tt_bulk* bulk_ = nullptr;          // likewise
  std::vector<Payload> kept_;
  bool down_ = false;
  bool failed_ = false;
  std::size_t holds_begun_ = 0;
  std::atomic<std::size_t> holds_ended_{0};
  std::vector<BytesView> pieces_;  // keeps its memory
  Traffic traffic_;
  std::map<const LinkEvents*, std::int64_t> users_;  // those that are known
};

}  // namespace trestle::engine
