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
      : shared_(std::move(loop), options), roster_(*shared_.loop) {}

  tt_attr attributes() const {
    tt_attr attr{};
    attr.thread_level = TT_THREAD_SERIAL;
    attr.caps = TT_CAP_LOSS_NOTICE | TT_CAP_TX_BORROW | TT_CAP_RX_HOLD | TT_CAP_RX_PAUSE;
    attr.wait_fd = shared_.loop->wait_fd();
    attr.wait_flags = TT_WAIT_FD;
    attr.max_msg = kit::framed_packet_bytes_max;
    attr.max_iov = Connection::segments_max;
    attr.copy_max = Connection::copy_bytes_max;      // what is larger may be lent to us,
    attr.borrow_min = Connection::borrow_bytes_min;  // and from here on that pays
    return attr;
  }

  sdk::Result<Listener*> listen(std::string_view, void*) {
    return sdk::Error(TT_E_UNSUPPORTED, "mine: cannot listen yet");
  }

  sdk::Result<Connection*> connect(std::string_view, void*) {
    return sdk::Error(TT_E_UNSUPPORTED, "mine: cannot connect yet");
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
  kit::StreamShared shared_;
  kit::Roster<Connection, Listener> roster_;
};

constexpr tt_scheme schemes[] = {{"mine", TT_REACH_HOST, 0}};

}  // namespace

TT_PLUGIN_DEFINE = sdk::describe_plugin<MineTransport>(
    {.name = "mine", .version = "0.1.0", .vendor = "you"}, schemes);
