// The smallest transport that works. Copy this folder, rename it, and put your own I/O where
// packets move between two queues in memory here. template://name reaches listeners of the same
// transport.
#include <trestle/sdk/plugin.hpp>
#include <trestle/sdk/uri.hpp>
#include <trestle/transport_kit/event_queue.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace sdk = trestle::sdk;

constexpr std::uint32_t segments_max = 16;

/// Threads: TT_THREAD_SERIAL, so the host never makes two calls at once.
class LoopbackTransport {
 public:
  enum class Phase { open, closing, closed };

  struct Connection {
    std::string uri;
    void* user = nullptr;
    Connection* peer = nullptr;
    Phase phase = Phase::open;
    tt_status why = TT_OK;
    std::deque<std::vector<std::byte>> inbox;
    std::uint64_t inbox_bytes = 0;
    bool peer_owed_writable = false;
  };

  struct Listener {
    std::string uri;
    void* user = nullptr;
    bool open = true;
  };

  static sdk::Result<std::unique_ptr<LoopbackTransport>> open(sdk::Host host,
                                                              const sdk::OpenOptions& options) {
    return std::make_unique<LoopbackTransport>(host, options);
  }

  LoopbackTransport(sdk::Host host, const sdk::OpenOptions& options)
      : host_(host),
        packet_bytes_max_(options.packet_bytes_max),
        queue_bytes_max_(options.queue_bytes_max) {}

  tt_attr attributes() const {
    tt_attr attr{};
    attr.thread_level = TT_THREAD_SERIAL;
    attr.caps = TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_INTEGRITY;
    attr.wait_fd = -1;  // with a socket: TT_WAIT_FD and its descriptor
    attr.wait_flags = TT_WAIT_WAKE;
    attr.max_iov = segments_max;
    attr.copy_max = std::numeric_limits<std::uint32_t>::max();  // every send is copied
    attr.borrow_min = std::numeric_limits<std::uint32_t>::max();
    return attr;
  }

  sdk::Result<Listener*> listen(std::string_view text, void* user) {
    auto uri = parse(text);
    if (uri.has_error()) return uri.error();
    if (find(*uri) != nullptr) {
      return sdk::Error(TT_E_ADDRINUSE, "listening on " + *uri + ": this transport does already");
    }
    listeners_.push_back(std::make_unique<Listener>(Listener{std::move(*uri), user}));
    return listeners_.back().get();
  }

  std::string listener_uri(const Listener& listener) const { return listener.uri; }

  void unlisten(Listener& listener) {
    if (!std::exchange(listener.open, false)) return;
    tt_event event{};
    event.kind = TT_EV_UNLISTENED;
    event.status = TT_E_CLOSED;
    event.user = listener.user;
    push(event, nullptr);
  }

  sdk::Result<Connection*> connect(std::string_view text, void* user) {
    auto uri = parse(text);
    if (uri.has_error()) return uri.error();
    Connection& mine = add_connection(*uri, user);
    const Listener* const listener = find(*uri);
    if (listener == nullptr) {
      finish(mine, TT_E_REFUSED);  // never from connect() itself: callers have one path
      return &mine;
    }
    Connection& theirs = add_connection(*uri, nullptr);
    mine.peer = &theirs;
    theirs.peer = &mine;
    tt_event accepted = event_of(theirs, TT_EV_ACCEPTED);
    accepted.aux = reinterpret_cast<std::uintptr_t>(listener->user);
    push(accepted, nullptr);
    push(event_of(mine, TT_EV_CONNECTED), &mine.user);
    return &mine;
  }

  void set_user(Connection& conn, void* user) { conn.user = user; }

  sdk::ConnectionInfo describe(const Connection& conn) const {
    return {.local_uri = "", .peer_uri = conn.uri};
  }

  void close(Connection& conn, sdk::CloseMode mode) {
    if (conn.phase != Phase::open) return;
    const bool aborts = mode == sdk::CloseMode::abort;
    for (Connection* end : {&conn, conn.peer}) {
      if (end != nullptr && aborts) end->inbox.clear();
    }
    finish(conn, TT_E_CLOSED);
    if (conn.peer != nullptr) finish(*conn.peer, aborts ? TT_E_RESET : TT_E_CLOSED);
  }

  void free(Connection& conn) {
    if (conn.peer != nullptr) conn.peer->peer = nullptr;
    std::erase_if(connections_, [&](const auto& known) { return known.get() == &conn; });
  }

  tt_status send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t, std::uint64_t) {
    if (segments.size() > segments_max) return TT_E_INVALID;
    if (conn.phase != Phase::open) return TT_E_CLOSED;
    std::vector<std::byte> bytes;
    for (const tt_iov& segment : segments) {
      const auto* first = static_cast<const std::byte*>(segment.base);
      bytes.insert(bytes.end(), first, first + segment.len);
    }
    Connection& receiver = *conn.peer;
    if (bytes.size() > packet_bytes_max_) {
      finish(conn, TT_E_TOOBIG);
      finish(receiver, TT_E_TOOBIG);
      return TT_E_TOOBIG;
    }
    if (!receiver.inbox.empty() && receiver.inbox_bytes + bytes.size() > queue_bytes_max_) {
      receiver.peer_owed_writable = true;
      return TT_E_AGAIN;
    }
    receiver.inbox_bytes += bytes.size();
    receiver.inbox.push_back(std::move(bytes));
    wake_host();
    return TT_OK;
  }

  std::int32_t progress(std::span<tt_event> out) {
    armed_ = false;
    delivered_.clear();  // the packets of the last batch end here
    events_.begin(out);
    for (const auto& conn : connections_) drive(*conn);
    const bool all_closed = std::all_of(connections_.begin(), connections_.end(),
                                        [](const auto& c) { return c->phase == Phase::closed; });
    if (shutting_down_ && all_closed && !std::exchange(down_, true)) {
      tt_event event{};
      event.kind = TT_EV_DOWN;
      events_.push(event);
    }
    return static_cast<std::int32_t>(events_.end());
  }

  sdk::Arming arm() {
    armed_ = events_.empty() && !(shutting_down_ && !down_) &&
             std::none_of(connections_.begin(), connections_.end(), [](const auto& conn) {
               return !conn->inbox.empty() || conn->phase == Phase::closing;
             });
    return {.may_sleep = armed_, .deadline = std::nullopt};
  }

  void shutdown() {
    for (const auto& listener : listeners_) unlisten(*listener);
    for (const auto& conn : connections_) close(*conn, sdk::CloseMode::orderly);
    shutting_down_ = true;
    wake_host();
  }

  bool can_destroy() const { return down_ && events_.empty() && connections_.empty(); }

 private:
  static sdk::Result<std::string> parse(std::string_view text) {
    const auto uri = sdk::Uri::parse(text);
    if (uri.has_error()) return uri.error();
    if (uri->scheme != "template" || uri->address.empty()) {
      return sdk::Error(TT_E_ADDR, '"' + std::string(text) + "\": expected template://name");
    }
    if (!uri->options.empty()) {
      return sdk::Error(TT_E_ADDR, '"' + std::string(text) + "\": unknown option \"" +
                                       uri->options.begin()->first + '"');
    }
    return uri->str();
  }

  static tt_event event_of(Connection& conn, std::uint16_t kind) {
    tt_event event{};
    event.kind = kind;
    event.conn = reinterpret_cast<tt_conn*>(&conn);
    return event;
  }

  Connection& add_connection(const std::string& uri, void* user) {
    Connection& conn = *connections_.emplace_back(std::make_unique<Connection>());
    conn.uri = uri;
    conn.user = user;
    return conn;
  }

  const Listener* find(const std::string& uri) const {
    const auto at = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& known) {
      return known->open && known->uri == uri;
    });
    return at == listeners_.end() ? nullptr : at->get();
  }

  /// What one connection has to say: its packets, then WRITABLE for its peer, then CLOSED.
  void drive(Connection& conn) {
    while (!conn.inbox.empty() && events_.has_room(reinterpret_cast<tt_conn*>(&conn))) {
      delivered_.push_back(std::move(conn.inbox.front()));
      conn.inbox.pop_front();
      tt_event event = event_of(conn, TT_EV_PACKET);
      event.data = delivered_.back().data();
      event.len = delivered_.back().size();
      conn.inbox_bytes -= event.len;
      events_.push(event, &conn.user);
    }
    if (!conn.inbox.empty()) return;
    if (std::exchange(conn.peer_owed_writable, false) && conn.phase == Phase::open) {
      events_.push(event_of(*conn.peer, TT_EV_WRITABLE), &conn.peer->user);
    }
    if (conn.phase != Phase::closing) return;
    conn.phase = Phase::closed;
    tt_event event = event_of(conn, TT_EV_CLOSED);
    event.status = conn.why;
    events_.push(event, &conn.user);
  }

  void finish(Connection& conn, tt_status why) {
    if (conn.phase != Phase::open) return;
    conn.phase = Phase::closing;
    conn.why = why;
    wake_host();
  }

  void push(const tt_event& event, void* const* user) {
    events_.push(event, user);
    wake_host();
  }

  /// After arm() allowed the host to sleep, every event has to end that sleep.
  void wake_host() {
    if (std::exchange(armed_, false)) host_.wake();
  }

  const sdk::Host host_;
  const std::uint64_t packet_bytes_max_;
  const std::uint64_t queue_bytes_max_;
  trestle::transport_kit::EventQueue events_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<std::vector<std::byte>> delivered_;
  bool armed_ = false;
  bool shutting_down_ = false;
  bool down_ = false;
};

constexpr tt_scheme schemes[] = {{"template", TT_REACH_PROCESS, 0}};

}  // namespace

TT_PLUGIN_DEFINE = sdk::describe_plugin<LoopbackTransport>(
    {.name = "template", .version = "0.1.0", .vendor = "you"}, schemes);
