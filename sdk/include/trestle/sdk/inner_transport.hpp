// The transport inside a wrapper: opened through the host, called through its C table.
#pragma once

#include <trestle/ext/stack.h>
#include <trestle/sdk/transport.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace trestle::sdk {

/// Owns an open transport whose scheme is the rest of the wrapper's: "tcp" of "pass+tcp". Its calls
/// mean what those of the concept Transport mean; handles and events are the inner plugin's own.
/// Threads: TT_THREAD_SERIAL or TT_THREAD_MULTI, as `attributes().thread_level` says.
/// Lifetime: until `destroy`; one that is not destroyed leaks.
class InnerTransport {
 public:
  /// Opens it with the wrapper's own limits and options. To be called in the wrapper's open.
  /// Errors: TT_E_UNSUPPORTED: a host that cannot stack; TT_E_ADDR: a scheme without "+", no such
  /// transport, too many on top of one another; and those of the inner open.
  static Result<InnerTransport> open(Host host, const OpenOptions& options);

  /// Takes the place of `other`.
  InnerTransport(InnerTransport&& other) noexcept
      : wrapper_(std::move(other.wrapper_)),
        scheme_(std::move(other.scheme_)),
        inner_(std::exchange(other.inner_, {})) {}
  InnerTransport(const InnerTransport&) = delete;
  InnerTransport& operator=(const InnerTransport&) = delete;
  InnerTransport& operator=(InnerTransport&&) = delete;
  ~InnerTransport() = default;

  /// "pass+tcp://h:1" -> "tcp://h:1". Errors: TT_E_ADDR if the scheme is not the wrapper's.
  Result<std::string> inward(std::string_view uri) const;
  /// The way back.
  std::string outward(std::string_view inner_uri) const;

  /// TT_REACH_* of the inner scheme.
  std::uint32_t reach() const noexcept { return inner_.reach; }
  /// What the inner transport says of itself.
  tt_attr attributes() const noexcept;

  /// URIs are the inner transport's.
  Result<tt_listener*> listen(const std::string& uri, void* user);
  /// The real one.
  std::string listener_uri(tt_listener* listener);
  /// UNLISTENED follows.
  void unlisten(tt_listener* listener) noexcept { ops().unlisten(handle(), listener); }
  /// CONNECTED or CLOSED follows.
  Result<tt_conn*> connect(const std::string& uri, void* user);

  /// The cookie of its events from now on.
  void set_user(tt_conn* conn, void* user) noexcept { ops().conn_set_user(handle(), conn, user); }
  /// Who is at both ends.
  ConnectionInfo describe(tt_conn* conn);
  /// CLOSED follows.
  void close(tt_conn* conn, CloseMode mode) noexcept {
    ops().conn_close(handle(), conn, mode == CloseMode::abort ? TT_CLOSE_ABORT : 0u);
  }
  /// After CLOSED.
  void free(tt_conn* conn) noexcept { ops().conn_free(handle(), conn); }

  /// As tt_ops.send.
  tt_status send(tt_conn* conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) noexcept {
    const auto count = static_cast<std::uint32_t>(segments.size());
    return ops().send(handle(), conn, segments.data(), count, flags, op);
  }
  /// As tt_ops.flush; TT_OK where there is none.
  tt_status flush() noexcept { return ops().flush == nullptr ? TT_OK : ops().flush(handle()); }
  /// Gives the memory of a packet back.
  void release(tt_rx& rx) noexcept { ops().rx_release(handle(), &rx); }
  /// Nothing without TT_CAP_RX_PAUSE.
  void pause(tt_conn* conn, Reading reading) noexcept {
    if (ops().conn_pause == nullptr) return;
    ops().conn_pause(handle(), conn, reading == Reading::pause ? 1 : 0);
  }

  /// How many events were written, or a negative status.
  std::int32_t progress(std::span<tt_event> events) noexcept {
    return ops().progress(handle(), events.data(), static_cast<std::uint32_t>(events.size()));
  }
  /// Whether the host may sleep.
  Arming arm() noexcept;

  /// DOWN follows.
  void shutdown() noexcept { ops().shutdown(handle(), 0); }
  /// Frees it. False, as long as something of it still lives. Once true, no other call.
  bool destroy() noexcept;

 private:
  InnerTransport(std::string wrapper, std::string scheme)
      : wrapper_(std::move(wrapper)), scheme_(std::move(scheme)) {}

  const tt_ops& ops() const noexcept { return *inner_.ops; }
  tt_transport* handle() const noexcept { return inner_.transport; }

  std::string wrapper_;  // "pass+"
  std::string scheme_;   // "tcp"
  tt_inner inner_{};
};

}  // namespace trestle::sdk
