// The transport behind tcp:// and unix://.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/sdk/uri.hpp>
#include <trestle/transport_kit/name_lookups.hpp>
#include <trestle/transport_kit/roster.hpp>
#include <trestle/transport_kit/socket_path.hpp>
#include <trestle/transport_kit/stream_connection.hpp>
#include <trestle/transport_kit/stream_shared.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "listener.hpp"

namespace trestle::tcp {

using transport_kit::RunDirectory;
using transport_kit::TcpTarget;

/// Packets over stream sockets; models sdk::Transport. Threads: TT_THREAD_SERIAL.
class StreamTransport {
 public:
  using Connection = transport_kit::StreamConnection;
  using Listener = tcp::Listener;

  static sdk::Result<std::unique_ptr<StreamTransport>> open(sdk::Host host,
                                                            const sdk::OpenOptions& options);

  tt_attr attributes() const noexcept;
  void shutdown() { roster_.shut_down(); }
  bool can_destroy() const noexcept {
    return roster_.is_over() && shared_.memory.pool().lent() == 0;
  }

  sdk::Result<Listener*> listen(std::string_view uri, void* user);
  std::string listener_uri(const Listener& listener) const { return listener.uri(); }
  void unlisten(Listener& listener) { listener.close(); }

  sdk::Result<Connection*> connect(std::string_view uri, void* user);
  void set_user(Connection& conn, void* user) { conn.set_user(user); }
  sdk::ConnectionInfo describe(const Connection& conn) const { return conn.info(); }
  void close(Connection& conn, sdk::CloseMode mode) { conn.close(mode); }
  void free(Connection& conn);

  tt_status send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) {
    return conn.send(segments, flags, op);
  }
  tt_status flush();
  void release(tt_rx& rx) { shared_.memory.release(rx); }
  void pause(Connection& conn, sdk::Reading reading) { conn.set_reading(reading); }

  /// tt.activity/1.
  static const void* extension(std::string_view id) noexcept;

  std::int32_t progress(std::span<tt_event> events);
  sdk::Arming arm() { return roster_.arm(); }

 private:
  /// A URI of this transport's scheme, with its options read.
  struct Place {
    std::string uri;
    std::string address;
    StreamOptions options;
  };

  StreamTransport(std::unique_ptr<transport_kit::Loop> loop, Scheme scheme,
                  const StreamOptions& defaults, const sdk::OpenOptions& options);

  sdk::Result<Place> place_of(std::string_view uri) const;
  sdk::Result<> open_listener(Listener& listener, const Place& place);
  sdk::Result<TcpTarget> target_of(const Place& place) const;
  Connection& add_connection(const StreamOptions& options);
  void look_up(Connection& conn, const Place& place, const TcpTarget& target);

  transport_kit::StreamShared shared_;
  Scheme scheme_;
  StreamOptions defaults_;
  bool threads_allowed_;

  RunDirectory run_directory_;  ///< of unix://*; outlives the listeners in it
  transport_kit::Roster<Connection, Listener> roster_;
  std::unique_ptr<transport_kit::NameLookups> lookups_;  ///< once a name was asked for
};

}  // namespace trestle::tcp
