// Reading options and setting them.
#include "socket_options.hpp"

#include <trestle/transport_kit/option_reader.hpp>

#include <algorithm>
#include <limits>

#include "control_message.hpp"

namespace trestle::zeromq {
namespace {

constexpr std::int64_t int_max = std::numeric_limits<int>::max();

void declare_curve(transport_kit::OptionReader& reader, CurveOptions& curve) {
  reader.number("curve_server", 0, 1, curve.server)
      .text("curve_secretkey_file", curve.secretkey_file)
      .text("curve_publickey", curve.publickey)
      .text("curve_publickey_file", curve.publickey_file)
      .text("curve_serverkey", curve.serverkey)
      .text("curve_serverkey_file", curve.serverkey_file)
      .text("curve_allow", curve.allow);
}

template <class Options>
sdk::Result<SocketOptions> read(SocketOptions read, Scheme scheme, const Options& options) {
  transport_kit::OptionReader reader;
  // ZeroMQ's 0, "no limit", is refused: queues here are bounded.
  reader.number("sndhwm", 1, int_max, read.sndhwm)
      .number("rcvhwm", 1, int_max, read.rcvhwm)
      .number("sndbuf", -1, int_max, read.sndbuf)
      .number("rcvbuf", -1, int_max, read.rcvbuf)
      .number("linger", -1, int_max, read.linger)
      .number("maxmsgsize", -1, std::numeric_limits<std::int64_t>::max(), read.maxmsgsize)
      .number("connect_timeout", 1, int_max, read.connect_timeout)
      .number("handshake_ivl", 1, int_max, read.handshake_ivl)
      .number("heartbeat_ivl", 0, int_max, read.heartbeat_ivl)
      .number("heartbeat_timeout", -1, int_max, read.heartbeat_timeout)
      .number("heartbeat_ttl", 0, 6'553'599, read.heartbeat_ttl)
      .number("io_threads", 1, 64, read.io_threads)
      .number("max_sockets", 16, 65'535, read.max_sockets);
  if (scheme != Scheme::ipc) {
    reader.number("tos", 0, 255, read.tos)
        .number("ipv6", 0, 1, read.ipv6)
        .number("tcp_keepalive", -1, 1, read.tcp_keepalive)
        .number("tcp_keepalive_idle", -1, int_max, read.tcp_keepalive_idle)
        .number("tcp_keepalive_intvl", -1, int_max, read.tcp_keepalive_intvl)
        .number("tcp_keepalive_cnt", -1, int_max, read.tcp_keepalive_cnt);
  }
  declare_curve(reader, read.curve);
  if (auto done = reader.apply(options); done.has_error()) return done.error();
  return read;
}

}  // namespace

bool CurveOptions::is_any_given() const {
  return *this != CurveOptions();
}

sdk::Result<SocketOptions> SocketOptions::defaults(Scheme scheme, std::span<const tt_kv> options) {
  return read(SocketOptions(), scheme, options);
}

sdk::Result<SocketOptions> SocketOptions::with(
    Scheme scheme, const std::map<std::string, std::string>& options) const {
  return read(*this, scheme, options);
}

void apply(const SocketOptions& options, Scheme scheme, std::uint64_t packet_bytes_max,
           zmq::socket_t& socket) {
  namespace opt = zmq::sockopt;
  const auto as_int = [](std::int64_t value) { return static_cast<int>(value); };
  const std::uint64_t frame_bytes_max = std::max<std::uint64_t>(packet_bytes_max, control_bytes);
  socket.set(opt::maxmsgsize, static_cast<std::int64_t>(std::min<std::uint64_t>(
                                  frame_bytes_max, std::numeric_limits<std::int64_t>::max())));
  socket.set(opt::linger, 0);
  socket.set(opt::sndhwm, as_int(options.sndhwm));
  socket.set(opt::rcvhwm, as_int(options.rcvhwm));
  socket.set(opt::sndbuf, as_int(options.sndbuf));
  socket.set(opt::rcvbuf, as_int(options.rcvbuf));
  socket.set(opt::handshake_ivl, as_int(options.handshake_ivl));
  socket.set(opt::heartbeat_ivl, as_int(options.heartbeat_ivl));
  if (options.heartbeat_timeout >= 0) {
    socket.set(opt::heartbeat_timeout, as_int(options.heartbeat_timeout));
  }
  socket.set(opt::heartbeat_ttl, as_int(options.heartbeat_ttl));
  if (scheme == Scheme::ipc) return;
  socket.set(opt::tos, as_int(options.tos));
  socket.set(opt::tcp_keepalive, as_int(options.tcp_keepalive));
  socket.set(opt::tcp_keepalive_idle, as_int(options.tcp_keepalive_idle));
  socket.set(opt::tcp_keepalive_intvl, as_int(options.tcp_keepalive_intvl));
  socket.set(opt::tcp_keepalive_cnt, as_int(options.tcp_keepalive_cnt));
}

}  // namespace trestle::zeromq
