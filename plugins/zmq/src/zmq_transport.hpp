// The transport behind zmq+tcp://, zmq+ipc:// and zmq+curve://.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/sdk/uri.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/socket_path.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "connection.hpp"
#include "context.hpp"
#include "dealer.hpp"
#include "poll_watch.hpp"
#include "router.hpp"
#include "socket_options.hpp"

namespace trestle::zeromq {

/// Packets over ZeroMQ; models sdk::Transport. Threads: TT_THREAD_SERIAL.
class ZmqTransport {
 public:
  using Connection = zeromq::Connection;
  using Listener = zeromq::Router;

  static sdk::Result<std::unique_ptr<ZmqTransport>> open(sdk::Host host,
                                                         const sdk::OpenOptions& options);
  ~ZmqTransport();

  tt_attr attributes() const noexcept;
  void shutdown();
  bool can_destroy() const noexcept { return connections_.empty() && packets_.held() == 0; }

  sdk::Result<Listener*> listen(std::string_view uri, void* user);
  std::string listener_uri(const Listener& listener) const { return listener.uri(); }
  void unlisten(Listener& listener) { listener.unlisten(); }

  sdk::Result<Connection*> connect(std::string_view uri, void* user);
  void set_user(Connection& conn, void* user) { conn.set_user(user); }
  sdk::ConnectionInfo describe(const Connection& conn) const { return conn.info(); }
  void close(Connection& conn, sdk::CloseMode mode) { conn.close(mode); }
  void free(Connection& conn);

  tt_status send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) {
    return conn.send(segments, flags, op);
  }
  void release(tt_rx& rx) { packets_.release(rx); }

  std::int32_t progress(std::span<tt_event> events);
  sdk::Arming arm();

 private:
  /// A URI of this transport's scheme, with its options read.
  struct Place {
    std::string uri;
    std::string address;
    SocketOptions options;
  };

  ZmqTransport(std::unique_ptr<transport_kit::Loop> loop, std::string scheme_name,
               const SocketOptions& defaults, const sdk::OpenOptions& options);

  sdk::Result<Place> place_of(std::string_view uri) const;
  sdk::Result<> start_context(const SocketOptions& options);
  Limits limits_for(const SocketOptions& options) const;
  sdk::Result<RouterPlan> bind(const Place& place);
  Router* dormant_at(const Place& place);
  sdk::Result<DealerPlan> plan_for(const Place& place) const;
  Connection& add_connection(const SocketOptions& options);
  void take_returned();
  void update_threads();
  bool can_end_more() const;
  void drive_shutdown();

  std::unique_ptr<transport_kit::Loop> loop_;
  Readiness readiness_;
  ReturnedBlocks returned_;
  LentPackets packets_;
  PollWatch watch_;
  const std::string scheme_name_;
  const Scheme scheme_;
  const SocketOptions defaults_;
  const Shared shared_;

  transport_kit::RunDirectory run_directory_;  ///< of zmq+ipc://*; outlives the listeners in it
  std::unique_ptr<Context> context_;           ///< once it is needed
  std::vector<std::unique_ptr<Router>> routers_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> freed_;  ///< until progress(): they may be on the stack
  std::uint64_t next_number_ = 1;

  enum class Phase { open, closing, down } phase_ = Phase::open;
};

}  // namespace trestle::zeromq
