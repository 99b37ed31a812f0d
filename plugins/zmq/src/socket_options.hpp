// Options of one URI, with ZeroMQ's own names and units.
#pragma once

#include <trestle/sdk/result.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <zmq.hpp>

namespace trestle::zeromq {

/// What is below ZeroMQ, and whether keys are asked for in any case.
enum class Scheme { tcp, ipc, curve };

/// Where keys are; see curve_keys.hpp. Empty: not given.
struct CurveOptions {
  std::int64_t server = 0;
  std::string secretkey_file;
  std::string publickey;
  std::string publickey_file;
  std::string serverkey;
  std::string serverkey_file;
  std::string allow;

  bool is_any_given() const;
  bool operator==(const CurveOptions&) const = default;
};

/// Times are milliseconds and sizes bytes, as ZeroMQ has them; -1: the system's, or none.
struct SocketOptions {
  std::int64_t sndhwm = 128;
  std::int64_t rcvhwm = 128;
  std::int64_t sndbuf = -1;
  std::int64_t rcvbuf = -1;
  std::int64_t linger = -1;  ///< -1: what the host said at open
  std::int64_t maxmsgsize = -1;
  std::int64_t connect_timeout = 10'000;
  std::int64_t handshake_ivl = 10'000;
  std::int64_t heartbeat_ivl = 0;
  std::int64_t heartbeat_timeout = -1;
  std::int64_t heartbeat_ttl = 0;
  std::int64_t io_threads = 1;        ///< of the context: the first URI of a transport decides
  std::int64_t max_sockets = 16'383;  ///< the same
  std::int64_t tos = 0;               ///< from here on: not for ipc
  std::int64_t ipv6 = 0;
  std::int64_t tcp_keepalive = -1;
  std::int64_t tcp_keepalive_idle = -1;
  std::int64_t tcp_keepalive_intvl = -1;
  std::int64_t tcp_keepalive_cnt = -1;
  CurveOptions curve;

  /// Options given at open, for every URI. Errors, here and below: TT_E_ADDR naming the option.
  static sdk::Result<SocketOptions> defaults(Scheme scheme, std::span<const tt_kv> options);

  /// These, with those of a URI.
  sdk::Result<SocketOptions> with(Scheme scheme,
                                  const std::map<std::string, std::string>& options) const;

  bool operator==(const SocketOptions&) const = default;
};

/// Sets what a socket of either side needs. `packet_bytes_max`: of one frame.
/// Errors: those of libzmq, as zmq::error_t.
void apply(const SocketOptions& options, Scheme scheme, std::uint64_t packet_bytes_max,
           zmq::socket_t& socket);

}  // namespace trestle::zeromq
