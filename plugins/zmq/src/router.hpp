// The ways of accepted connections: one ROUTER per address.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/socket_path.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>
#include <zmq.hpp>

#include "connection.hpp"
#include "context.hpp"
#include "curve_keys.hpp"
#include "monitor.hpp"
#include "socket_options.hpp"

namespace trestle::zeromq {

/// Where to listen, with a socket that is bound and listening already.
struct RouterPlan {
  Scheme scheme;
  std::string endpoint;  ///< as libzmq writes it
  std::string uri;       ///< as connect() takes it
  SocketOptions options;
  std::optional<ServerKeys> keys;
  std::uint64_t packet_bytes_max;
  transport_kit::FileDescriptor socket;
  transport_kit::SocketPath path;  ///< its file, if it has one
};

/// What libzmq made up for a connection, unique for the ROUTER's life: five bytes, the first is 0.
using RoutingId = std::uint32_t;

/// A ROUTER and the connections that came through it. libzmq ends them all if it is unbound, so
/// it stays bound as long as one lives; the gate keeps new ones out meanwhile.
class Router final : public ReadsSocket, public transport_kit::Pollable {
 public:
  /// Makes a connection that belongs to the transport.
  using Accept = std::function<Connection&(Router&)>;

  Router(const Shared& shared, Context& context, std::string domain, Accept accept);
  ~Router() override;

  /// Errors: what libzmq says.
  sdk::Result<> open(RouterPlan plan);
  /// Lets clients in again, while `is_dormant`. Errors: TT_E_ADDRINUSE: other options or keys.
  sdk::Result<> reopen(const SocketOptions& options, std::optional<ServerKeys> keys, void* user);

  const std::string& uri() const noexcept { return uri_; }
  const SocketOptions& options() const noexcept { return options_; }
  void* user() const noexcept { return user_; }
  void set_user(void* user) noexcept { user_ = user; }

  /// Refuses new connections; UNLISTENED follows, at once or when the address is free.
  void unlisten();
  bool is_listening() const noexcept { return phase_ == Phase::listening; }
  /// Still bound, for the sake of its connections.
  bool is_dormant() const noexcept { return phase_ == Phase::dormant; }
  /// Its address is about to be free; UNLISTENED follows.
  bool is_unbinding() const noexcept { return phase_ == Phase::unbinding; }
  /// Nothing is left of it, and its events were told.
  bool is_over() const noexcept { return phase_ == Phase::over; }
  /// Ends it with all its connections' ways.
  void close();

  bool check_events() override;
  void read_on() override { shared_.loop.enqueue(*this); }
  void on_ready(std::uint32_t) override {}
  void on_deadline() override;
  void work() override { read_messages(); }
  Guess guess() override;

 private:
  /// The way of one connection.
  class Peer final : public Link {
   public:
    Peer(Router& router, RoutingId made_up, Connection& owner, int its_descriptor)
        : id(made_up), connection(owner), descriptor(its_descriptor), router_(&router) {}

    Sent send(Parcel& parcel) override;
    void hang_up(std::optional<Control> last) override;

    const RoutingId id;
    Connection& connection;
    const int descriptor;  ///< libzmq's, of the moment of its hello

   private:
    Router* router_;  ///< null: hung up
  };

  enum class Phase {
    listening,
    dormant,
    unbinding,  ///< waiting for libzmq to free the address
    over,
  };
  enum class Way { open, full, gone };

  /// Somebody whose descriptor was closed, or the one before that had the same number.
  struct Suspect {
    Peer* peer;
    int probes_left;
  };
  struct Farewell {
    RoutingId to;
    Control word;
  };

  // router.cpp: life
  sdk::Result<> bind(RouterPlan& plan);
  void on_event(MonitorEvent event);
  void report_unlistened();
  void end_if_unused();
  void remove(Peer& peer);

  // router_traffic.cpp
  int read_messages();
  bool waits_for_room() const noexcept { return !blocked_.empty() || !farewells_.empty(); }
  bool waits_for_more_than_input() const noexcept { return waits_for_room() || !lost_.empty(); }
  bool take_message();
  void say_welcome(RoutingId id, const ControlMessage& hello);
  sdk::ConnectionInfo describe(zmq::message_t& frame) const;
  Way pass_on(RoutingId id, Parcel& parcel);
  void say(RoutingId id, Control word);
  void on_room();
  void suspect(Peer& peer);
  void on_descriptor_closed(int descriptor);
  void probe_suspects();
  void note_blocked(Peer& peer);
  void note_lost(Peer& peer);
  void end_lost();
  void set_timer();

  const Shared& shared_;
  Context& context_;
  const std::string domain_;
  Accept accept_;
  std::string uri_;
  SocketOptions options_;
  Scheme scheme_ = Scheme::tcp;
  std::string secret_;  ///< empty: no keys
  void* user_ = nullptr;
  Phase phase_ = Phase::over;
  zmq::socket_t socket_;
  Monitor monitor_;
  transport_kit::SocketPath path_;
  int fd_ = -1;
  Incoming incoming_;
  std::unordered_map<RoutingId, Peer*> peers_;
  std::unordered_set<int> closed_early_;  ///< descriptors that closed before their hello was read
  std::vector<Suspect> suspects_;
  std::vector<Peer*> lost_;          ///< to be ended when all that arrived was read
  std::vector<Peer*> blocked_;       ///< those whose pipes are full
  std::vector<Farewell> farewells_;  ///< to those whose pipes are full
  std::chrono::nanoseconds probe_pause_{};
};

}  // namespace trestle::zeromq
