// mine://@name: packets between processes of one machine, over stream sockets with abstract names.
// A whole transport: keep its shape, and put your own way to a connected socket into it.
#include <sys/socket.h>
#include <sys/un.h>
#include <trestle/sdk/plugin.hpp>
#include <trestle/sdk/uri.hpp>
#include <trestle/transport_kit/option_reader.hpp>
#include <trestle/transport_kit/roster.hpp>
#include <trestle/transport_kit/socket_error.hpp>
#include <trestle/transport_kit/stream_connection.hpp>
#include <trestle/transport_kit/stream_listener.hpp>

#include <cerrno>

namespace {

namespace sdk = trestle::sdk;
namespace kit = trestle::transport_kit;

/// Where a URI leads. "*" is the empty name, for which the kernel makes one up.
sdk::Result<kit::SocketAddress> parse(std::string_view text) {
  const auto uri = sdk::Uri::parse(text);
  if (uri.has_error()) return uri.error();
  const auto options = kit::OptionReader().apply(uri->options);
  if (options.has_error()) return options.error();
  const std::string& place = uri->address;
  sockaddr_un to{AF_UNIX, ""};
  constexpr std::size_t family_bytes = offsetof(sockaddr_un, sun_path);
  if (uri->scheme == "mine" && place == "*") return kit::SocketAddress(&to, family_bytes);
  if (uri->scheme != "mine" || place.size() < 2 || place.size() > sizeof(to.sun_path) ||
      place.front() != '@') {
    return sdk::Error(TT_E_ADDR, std::string(text) + ": expected mine://@name or mine://*");
  }
  place.copy(to.sun_path, place.size());
  to.sun_path[0] = '\0';  // what makes the name an abstract one
  return kit::SocketAddress(&to, family_bytes + place.size());
}

/// And back.
std::string name_of(const kit::SocketAddress& address) {
  constexpr std::size_t family_bytes = offsetof(sockaddr_un, sun_path);
  if (address.size() <= family_bytes + 1) return {};  // the nameless end of who connects
  const char* const name = reinterpret_cast<const sockaddr_un*>(address.data())->sun_path;
  const std::string rest(name + 1, address.size() - family_bytes - 1);
  return sdk::Uri{"mine", '@' + rest, {}}.str();
}

kit::FileDescriptor make_socket() {
  return kit::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

class MineTransport {
 public:
  using Connection = kit::StreamConnection;
  using Listener = kit::StreamListener;

  static sdk::Result<std::unique_ptr<MineTransport>> open(sdk::Host host,
                                                          const sdk::OpenOptions& options) {
    const auto known = kit::OptionReader().apply(options.defaults);
    if (known.has_error()) return known.error();
    auto loop = kit::Loop::create(host);
    if (loop.has_error()) return loop.error();
    return std::make_unique<MineTransport>(std::move(*loop), options);
  }

  MineTransport(std::unique_ptr<kit::Loop> loop, const sdk::OpenOptions& options)
      : shared_(std::move(loop), options, &name_of), roster_(*shared_.loop) {}

  tt_attr attributes() const {
    tt_attr attr{};
    attr.thread_level = TT_THREAD_SERIAL;
    attr.caps = TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_LOSS_NOTICE | TT_CAP_TX_BORROW |
                TT_CAP_RX_HOLD | TT_CAP_RX_PAUSE | TT_CAP_RX_FIRST;
    attr.wait_fd = shared_.loop->wait_fd();
    attr.wait_flags = TT_WAIT_FD;
    attr.max_msg = kit::framed_packet_bytes_max;
    attr.max_iov = Connection::segments_max;
    attr.copy_max = Connection::copy_bytes_max;      // what is larger may be lent to us,
    attr.borrow_min = Connection::borrow_bytes_min;  // and from here on that pays
    return attr;
  }

  sdk::Result<Listener*> listen(std::string_view uri, void* user) {
    const auto address = parse(uri);
    if (address.has_error()) return address.error();
    kit::FileDescriptor socket = make_socket();
    if (!socket || ::bind(socket.get(), address->data(), address->size()) != 0) {
      return kit::socket_error("cannot listen on " + std::string(uri), errno);
    }
    std::string bound_uri = name_of(kit::local_address(socket.get()));
    auto listener = std::make_unique<Listener>(*shared_.loop, user);
    auto on_accept = [this, user](kit::FileDescriptor accepted, const kit::SocketAddress& peer) {
      add_connection().accept(std::move(accepted), peer, user);
    };
    const auto started = listener->start(std::move(socket), std::move(bound_uri), on_accept);
    if (started.has_error()) return started.error();
    return &roster_.add(std::move(listener));
  }

  sdk::Result<Connection*> connect(std::string_view uri, void* user) {
    const auto address = parse(uri);
    if (address.has_error()) return address.error();
    if (address->size() == sizeof(sa_family_t)) {
      return sdk::Error(TT_E_ADDR, "cannot connect to mine://*: it is for listeners");
    }
    Connection& conn = add_connection();
    conn.set_user(user);
    conn.dial(std::string(uri), {*address});
    return &conn;
  }

  std::string listener_uri(const Listener& listener) const { return listener.uri(); }
  void unlisten(Listener& listener) { listener.close(); }
  void set_user(Connection& conn, void* user) { conn.set_user(user); }
  sdk::ConnectionInfo describe(const Connection& conn) const { return conn.info(); }
  tt_status send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) {
    return conn.send(segments, flags, op);
  }
  tt_status flush() {
    shared_.flush();
    return TT_OK;
  }
  void pause(Connection& conn, sdk::Reading reading) { conn.set_reading(reading); }
  void close(Connection& conn, sdk::CloseMode mode) { conn.close(mode); }
  void free(Connection& conn) { roster_.free(conn); }
  void release(tt_rx& rx) { shared_.memory.release(rx); }

  std::int32_t progress(std::span<tt_event> out) {
    roster_.begin_round(out);
    shared_.begin_round();
    return roster_.end_round();
  }
  sdk::Arming arm() { return roster_.arm(); }
  void shutdown() { roster_.shut_down(); }
  bool can_destroy() const { return roster_.is_over() && shared_.memory.pool().lent() == 0; }

 private:
  Connection& add_connection() { return roster_.add(std::make_unique<Connection>(shared_)); }

  kit::StreamShared shared_;
  kit::Roster<Connection, Listener> roster_;
};

constexpr tt_scheme schemes[] = {{"mine", TT_REACH_HOST, 0}};

}  // namespace

TT_PLUGIN_DEFINE = sdk::describe_plugin<MineTransport>(
    {.name = "mine", .version = "0.1.0", .vendor = "you"}, schemes);
