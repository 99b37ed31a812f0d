// The transport behind ofi+tcp://, ofi+verbs:// and their like.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/sdk/uri.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/name_lookups.hpp>
#include <trestle/transport_kit/roster.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connection.hpp"
#include "device.hpp"
#include "fabric_options.hpp"
#include "fabric_search.hpp"
#include "listener.hpp"

namespace trestle::ofi {

/// Packets over connected endpoints of libfabric; models sdk::Transport. Threads: TT_THREAD_SERIAL.
class OfiTransport {
 public:
  using Connection = ofi::Connection;
  using Listener = ofi::Listener;

  static sdk::Result<std::unique_ptr<OfiTransport>> open(sdk::Host host,
                                                         const sdk::OpenOptions& options);

  tt_attr attributes() const noexcept;
  void shutdown() { roster_.shut_down(); }
  bool can_destroy() const noexcept { return roster_.is_over() && shared_.lent.count() == 0; }

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
  /// tt.bulk.
  static const void* extension(const char* id) noexcept;
  void release(tt_rx& rx) { shared_.lent.release(rx); }
  void pause(Connection& conn, sdk::Reading reading) { conn.set_reading(reading); }

  std::int32_t progress(std::span<tt_event> events);
  sdk::Arming arm();

 private:
  /// A URI of this transport's scheme, with its options read.
  struct Place {
    std::string uri;
    std::string address;
    FabricOptions options;
  };

  OfiTransport(std::unique_ptr<transport_kit::Loop> loop, const FabricOptions& defaults,
               const sdk::OpenOptions& options);

  sdk::Result<Place> place_of(std::string_view uri) const;
  sdk::Result<> open_listener(Listener& listener, const Place& place);
  void dial(Connection& conn, const Place& place, transport_kit::TcpTarget target);
  sdk::Result<Route> route_to(const FabricOptions& options, const SocketAddress& address,
                              Side side);
  sdk::Result<Device*> device_for(const FabricOptions& options, const fi_info& info,
                                  Device* first = nullptr);
  void accept(Listener& listener, InfoPtr request, std::span<const std::byte> greeting);

  std::unique_ptr<transport_kit::Loop> loop_;
  const std::string scheme_;
  const FabricOptions defaults_;
  const bool threads_allowed_;
  Shared shared_;
  std::vector<std::unique_ptr<Device>> devices_;  ///< outlive what the roster owns
  transport_kit::Roster<Connection, Listener> roster_;
  std::unique_ptr<transport_kit::NameLookups> lookups_;  ///< once a name was asked for
  std::uint64_t next_connection_ = 1;
};

}  // namespace trestle::ofi
