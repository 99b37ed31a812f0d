// The wrapper that changes nothing: each call and each event passes through to an inner transport.
#include <trestle/sdk/inner_transport.hpp>
#include <trestle/sdk/plugin.hpp>

namespace {

namespace sdk = trestle::sdk;

class PassThrough {
 public:
  /// Where a wrapper keeps what it has to know of a connection; the inner one's cookie points here.
  struct Connection {
    tt_conn* inner = nullptr;
    void* user = nullptr;
  };
  struct Listener {
    tt_listener* inner = nullptr;
    void* user = nullptr;
  };

  static sdk::Result<std::unique_ptr<PassThrough>> open(sdk::Host host,
                                                        const sdk::OpenOptions& options) {
    auto inner = sdk::InnerTransport::open(host, options);
    if (inner.has_error()) return inner.error();
    return std::unique_ptr<PassThrough>(new PassThrough(std::move(*inner)));
  }

  /// The inner one's promises are kept here too, its way of sleeping among them: its descriptor is
  /// ours, and its wake() reaches our host. A wrapper that adds events of its own queues them,
  /// calls wake(), and answers arm() for them.
  tt_attr attributes() const {
    tt_attr attr = inner_.attributes();
    attr.thread_level = TT_THREAD_SERIAL;
    return attr;
  }

  sdk::Result<Listener*> listen(std::string_view uri, void* user) {
    const auto inner_uri = inner_.inward(uri);
    if (inner_uri.has_error()) return inner_uri.error();
    auto listener = std::make_unique<Listener>();
    listener->user = user;
    const auto listening = inner_.listen(*inner_uri, listener.get());
    if (listening.has_error()) return listening.error();
    listener->inner = *listening;
    return listener.release();
  }
  std::string listener_uri(Listener& listener) {
    return inner_.outward(inner_.listener_uri(listener.inner));
  }
  void unlisten(Listener& listener) { inner_.unlisten(listener.inner); }

  sdk::Result<Connection*> connect(std::string_view uri, void* user) {
    const auto inner_uri = inner_.inward(uri);
    if (inner_uri.has_error()) return inner_uri.error();
    auto conn = std::make_unique<Connection>();
    conn->user = user;
    const auto connecting = inner_.connect(*inner_uri, conn.get());
    if (connecting.has_error()) return connecting.error();
    conn->inner = *connecting;
    return conn.release();
  }
  void set_user(Connection& conn, void* user) { conn.user = user; }
  sdk::ConnectionInfo describe(Connection& conn) {
    sdk::ConnectionInfo described = inner_.describe(conn.inner);
    described.local_uri = inner_.outward(described.local_uri);
    described.peer_uri = inner_.outward(described.peer_uri);
    return described;
  }
  void close(Connection& conn, sdk::CloseMode mode) { inner_.close(conn.inner, mode); }
  void free(Connection& conn) {
    inner_.free(conn.inner);
    delete &conn;
  }

  tt_status send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) {
    return inner_.send(conn.inner, segments, flags, op);
  }
  tt_status flush() { return inner_.flush(); }
  void release(tt_rx& rx) { inner_.release(rx); }
  void pause(Connection& conn, sdk::Reading reading) { inner_.pause(conn.inner, reading); }

  std::int32_t progress(std::span<tt_event> events) {
    const std::int32_t count = inner_.progress(events);
    std::int32_t kept = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      tt_event& event = events[static_cast<std::size_t>(i)];
      if (translate(event)) events[static_cast<std::size_t>(kept++)] = event;
    }
    return count < 0 ? count : kept;
  }
  sdk::Arming arm() { return inner_.arm(); }

  void shutdown() { inner_.shutdown(); }
  bool can_destroy() { return inner_.destroy(); }

  // No extension(): those of the inner transport take its own handles, which nobody has but us.

 private:
  explicit PassThrough(sdk::InnerTransport inner) : inner_(std::move(inner)) {}

  /// Puts our handles and the host's cookies in. False: of a kind that we do not know, so that we
  /// cannot know what its members mean either.
  bool translate(tt_event& event) {
    switch (event.kind) {
      case TT_EV_ACCEPTED: {
        const auto* listener = reinterpret_cast<Listener*>(static_cast<std::uintptr_t>(event.aux));
        auto* const conn = new Connection{event.conn, nullptr};
        inner_.set_user(event.conn, conn);
        event.user = nullptr;
        event.conn = reinterpret_cast<tt_conn*>(conn);
        event.aux = reinterpret_cast<std::uintptr_t>(listener->user);
        return true;
      }
      case TT_EV_CONNECTED:
      case TT_EV_PACKET:
      case TT_EV_SENT:
      case TT_EV_WRITABLE:
      case TT_EV_CLOSED: {
        auto* const conn = static_cast<Connection*>(event.user);
        event.user = conn->user;
        event.conn = reinterpret_cast<tt_conn*>(conn);
        return true;
      }
      case TT_EV_UNLISTENED: {
        const std::unique_ptr<Listener> listener(static_cast<Listener*>(event.user));
        event.user = listener->user;
        return true;
      }
      case TT_EV_DOWN:
        return true;
      default:
        return false;
    }
  }

  sdk::InnerTransport inner_;
};

constexpr tt_scheme schemes[] = {{"pass+*", TT_REACH_NETWORK, TT_SCHEME_WRAPS}};

}  // namespace

TT_PLUGIN_DEFINE = sdk::describe_plugin<PassThrough>(
    {.name = "pass", .version = "0.1.0", .vendor = "Trestle"}, schemes);
