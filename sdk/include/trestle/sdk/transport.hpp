// What a class must offer to become a transport; plugin.hpp turns it into the C tables.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/sdk/host.hpp>
#include <trestle/sdk/result.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trestle::sdk {

/// How the host opens a transport. Lifetime: the call to `open`.
struct OpenOptions {
  std::string_view scheme;          ///< the one asked for, such as "ofi+tcp"
  std::span<const tt_kv> defaults;  ///< options for every URI of this transport
  std::uint64_t packet_bytes_max;   ///< a larger announced packet ends its connection
  std::uint64_t queue_bytes_max;    ///< per connection; beyond it `send` says TT_E_AGAIN
  std::chrono::nanoseconds linger;  ///< bound for flushing in an orderly close
  bool threads_allowed;             ///< if not, refuse with TT_E_UNSUPPORTED when one is needed
  /// Of an accepted connection, the first packet; see TT_CAP_RX_FIRST. At most packet_bytes_max.
  std::uint64_t first_packet_bytes_max = packet_bytes_max;
};

/// Whether what is queued still leaves.
enum class CloseMode { orderly, abort };
/// Whether a connection shall go on reading.
enum class Reading { resume, pause };

/// What is known of a connection; URIs are cut at 255 bytes.
struct ConnectionInfo {
  std::string local_uri;       ///< this side's
  std::string peer_uri;        ///< the other side's
  std::int64_t peer_pid = -1;  ///< verified by the kernel, or -1
  std::int64_t peer_uid = -1;  ///< likewise
};

/// Whether the host may sleep. `may_sleep == false` asks for another `progress`.
struct Arming {
  bool may_sleep = true;                             ///< nothing is left to do now
  std::optional<std::chrono::nanoseconds> deadline;  ///< on the host's clock
};

/// A transport: named `Connection` and `Listener` types and the calls below, which mean what the
/// slots of the same name in tt_ops mean. Optional: `flush()`, `release(tt_rx&)`,
/// `pause(Connection&, Reading)`, `extension(const char*)`.
/// Threads: TT_THREAD_SERIAL or TT_THREAD_MULTI, as `attributes().thread_level` declares.
template <class T>
concept Transport = requires(T t, typename T::Connection& conn, typename T::Listener& listener,
                             Host host, const OpenOptions& options, std::string_view uri,
                             void* user, std::span<const tt_iov> segments, std::uint32_t flags,
                             std::uint64_t op, std::span<tt_event> events) {
  { T::open(host, options) } -> std::same_as<Result<std::unique_ptr<T>>>;
  { t.attributes() } -> std::same_as<tt_attr>;
  {t.shutdown()};
  { t.can_destroy() } -> std::same_as<bool>;
  { t.listen(uri, user) } -> std::same_as<Result<typename T::Listener*>>;
  { t.listener_uri(listener) } -> std::convertible_to<std::string>;
  {t.unlisten(listener)};
  { t.connect(uri, user) } -> std::same_as<Result<typename T::Connection*>>;
  {t.set_user(conn, user)};
  { t.describe(conn) } -> std::same_as<ConnectionInfo>;
  {t.close(conn, CloseMode::orderly)};
  {t.free(conn)};
  { t.send(conn, segments, flags, op) } -> std::same_as<tt_status>;
  { t.progress(events) } -> std::convertible_to<std::int32_t>;
  { t.arm() } -> std::same_as<Arming>;
};

}  // namespace trestle::sdk
