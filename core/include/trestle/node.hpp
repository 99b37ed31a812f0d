// A node: listeners, handlers, peers, and the engine that drives them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <trestle/checksum.hpp>
#include <trestle/clock.hpp>
#include <trestle/dispatch_counts.hpp>
#include <trestle/error.hpp>
#include <trestle/handler.hpp>
#include <trestle/handler_events.hpp>
#include <trestle/ids.hpp>
#include <trestle/peer.hpp>
#include <trestle/peer_events.hpp>
#include <trestle/peer_info.hpp>
#include <trestle/route.hpp>
#include <trestle/spin.hpp>

namespace trestle {

class ManualDriver;
class NodeCore;
class NodeExecutor;
struct NodeStatistics;

/// A message that nobody waits for and that was lost after send() had taken it.
struct LostMessage {
  InstanceId peer{};              ///< nil if it was never known
  std::string handler{};          ///< as it was sent
  std::size_t payload_bytes = 0;  ///< of its argument
  /// Why. `ran` is `maybe` if it left: of messages that a peer finishes out of order, the latest
  /// ones are taken for those in doubt.
  Error reason{};
};

/// Takes one of them, on whichever thread drives the node, without a lock; keep it short.
using LostMessageFunction = std::function<void(const LostMessage&)>;

/// How much a line of log matters.
enum class LogLevel : std::uint8_t { error, warning, info, debug };

/// Takes one line of log. Threads: any.
using LogFunction = std::function<void(LogLevel, std::string_view)>;

/// What a thread does that sends where there is no room. It may not wait inside inline handlers,
/// completions and timers, nor with async_call().
enum class WhenFull : std::uint8_t {
  wait,  ///< in order of arrival, until the call's deadline; where it may not wait, as `fail`
  fail,  ///< the message is refused as queue_full
};

/// Who may administer a node through its system handlers: shut it down, have it connect to others,
/// or have it forget them. Everyone may ask what it is and does.
enum class Administration : std::uint8_t {
  /// The node's own process, processes of its user on this host (unix sockets tell), and peers that
  /// a transport authenticates.
  trusted,
  anybody,  ///< whoever reaches it
  nobody,   ///< its own process neither
};

/// How a node behaves; each limit has a default that suits a server, and a range: docs/limits.md.
struct NodeOptions {
  std::optional<InstanceId> instance_id{};  ///< unset: random
  std::optional<std::uint64_t>
      incarnation{};               ///< grows with each start; unset: from the time of day
  ManualDriver* driver = nullptr;  ///< unset: callers that wait drive it, or a thread of its own
  std::size_t workers = 0;         ///< threads for spawn handlers; 0: max(2, CPUs)
  std::size_t spawn_queue_messages = 65'536;   ///< waiting for a worker; more are refused
  std::size_t spawn_queue_bytes = 256u << 20;  ///< of payloads kept for spawn handlers, likewise
  std::size_t concurrency_max = 0;             ///< handlers that run at once, inline ones, too, but
                                               ///< not the system's: others wait; 0: no limit
  std::size_t calls_max = 65'535;              ///< outstanding per connection
  std::size_t requests_max = 4096;             ///< a peer's, under way per connection: its window;
                                               ///< what is beyond it waits on the peer's side
  std::size_t message_bytes_max = 64u << 20;   ///< largest frame taken from a peer
  std::size_t queue_bytes_max = 64u << 20;     ///< unsent per connection; then when_full decides
  /// Connections that came in and have said no hello yet; of more, the oldest is closed.
  std::size_t unauthenticated_peers_max = 128;
  /// Handled of one connection before others have their turn; of several that have more, each gets
  /// its part, and each at least one.
  std::size_t turn_frames_max = 1024;
  std::size_t turn_bytes_max = 1u << 20;  ///< of their payloads, likewise
  /// Of packets that wait for such a turn, on all connections; of more, who has most is closed.
  std::size_t input_bytes_max = 512u << 20;
  /// Unsent on all connections; whose queue is longer than what is left gets no more outcomes.
  std::size_t unsent_bytes_max = 512u << 20;
  /// A `send` of 64 KiB or more, or one that has filled a packet of as much, that leaves more than
  /// this unsent on its connection returns when half of it is left, but 10 ms later at the latest,
  /// so that memory is used again while it is in the processor's caches. Not where the thread may
  /// not wait, or if when_full is `fail`; 0: never.
  std::size_t send_ahead_bytes = 4u << 20;
  std::chrono::nanoseconds call_timeout = std::chrono::seconds(30);      ///< where a call has none
  std::chrono::nanoseconds handshake_timeout = std::chrono::seconds(2);  ///< for the peer's hello
  std::chrono::nanoseconds close_timeout = std::chrono::seconds(5);      ///< of handlers that run
  /// Each peer is heard of so often: who is silent is pinged. 0: never; unset: 1 s, but never under
  /// a ManualDriver. heartbeat= in a URI changes it for the whole node, off is 0.
  std::optional<std::chrono::nanoseconds> heartbeat{};
  /// A peer that was silent for so long, and for one heartbeat after a ping, is dead: its
  /// connection ends. Two heartbeats at least; dead_after= in a URI changes it.
  std::chrono::nanoseconds dead_after = std::chrono::seconds(3);
  /// Calls of a peer that was connected and is lost wait so long for it to come back, but for those
  /// that had left. 0: never, and nobody is dialled again but by the next call.
  std::chrono::nanoseconds reconnect_window = std::chrono::seconds(1);
  /// A peer that is lost is dialled again after at most this time, then at most twice that, and so
  /// on up to redial_delay_max; the delays are random.
  std::chrono::nanoseconds redial_delay_min = std::chrono::milliseconds(100);
  std::chrono::nanoseconds redial_delay_max = std::chrono::seconds(5);  ///< see redial_delay_min
  /// For a peer to answer a ping when somebody says to be a later start of it; who answers stays.
  std::chrono::nanoseconds takeover_timeout = std::chrono::milliseconds(500);
  std::size_t newcomer_bytes_max = 1u << 20;  ///< taken from that somebody meanwhile
  WhenFull when_full = WhenFull::wait;        ///< of senders that may wait
  /// A message or async_call that follows another within this time waits for more to leave with, at
  /// most that long, or until there are send_delay_bytes; 0: each leaves at once. Calls that block
  /// never wait. What is sent in a turn leaves at its end; many small calls may wait for others.
  std::chrono::nanoseconds send_delay_max = std::chrono::microseconds(50);
  std::size_t send_delay_bytes = 64u << 10;  ///< then what waits leaves
  /// Others are refused as not_permitted, and the log says who they were.
  Administration remote_administration = Administration::trusted;
  Spin spin = Spin::automatic;                   ///< of the whole node; spin= in a URI changes it
  Checksum checksum = Checksum::automatic;       ///< asked for; checksum= in a URI changes it
  std::stop_token stop{};                        ///< stopping it closes the node; never the reverse
  std::vector<std::filesystem::path> plugins{};  ///< plugin files to use before any other; absolute
  /// Called once for each message that NodeCounters::messages_lost counts, but for peers whose
  /// requests_max is 0. Unset costs nothing; set, each message is noted until the peer has done it.
  LostMessageFunction on_send_failed{};
  LogFunction log{};  ///< unset: warnings and errors to standard error
  /// Of lines of one kind that peers can cause, one is logged in this time; the others are counted,
  /// and their number logged. Zero: all are logged.
  std::chrono::nanoseconds log_interval = std::chrono::seconds(1);
};

/// How to connect, and to whom.
struct ConnectOptions {
  std::optional<InstanceId> expect{};                 ///< refuse any other node
  std::optional<std::chrono::nanoseconds> timeout{};  ///< unset: the node's call_timeout
};

/// Messages that expected nothing and were lost for one reason. Those that expect an outcome get
/// one.
struct LostMessages {
  Errc reason = Errc::connection_lost;  ///< of the connection's end, or of the message's refusal
  std::uint64_t unsent = 0;             ///< they never left
  /// They left, and the peer had not said that they were done: they may have run, all of them. It
  /// says so in lots of a quarter of its requests_max; not if that is 0.
  std::uint64_t in_doubt = 0;
};

/// What a node counted since its start.
struct NodeCounters {
  std::uint64_t messages_received = 0;  ///< requests of any mode
  std::uint64_t messages_refused = 0;   ///< answered or dropped without running a handler
  std::uint64_t handler_errors = 0;     ///< failures of handlers, also where nobody waited
  std::uint64_t stray_outcomes = 0;     ///< outcomes for calls that had already ended
  std::uint64_t protocol_errors = 0;    ///< connections ended because the peer broke the rules
  std::uint64_t packets_damaged = 0;    ///< by their checksum; each ended its connection
  std::uint64_t strangers_closed = 0;   ///< before their hello, because there were too many
  std::uint64_t stale_refused = 0;      ///< connections of earlier starts of a peer
  std::uint64_t connections = 0;        ///< open now
  std::uint64_t calls_pending = 0;      ///< waiting for an outcome now
  std::vector<LostMessages> messages_lost{};  ///< one for each reason that there was
};

/// What became of a broadcast at one peer.
struct PeerOutcome {
  Peer peer;             ///< which one
  Result<void> outcome;  ///< of confirm() there
};

/// Listens, runs handlers, and reaches peers. Neither copied nor moved; its destructor closes it.
/// Inline handlers, completions, functions of after() and the log function run on whichever thread
/// drives it at the moment, which may be inside a blocking call: hold no mutex there that they
/// take. The log function also runs on a thread of its own. Threads: any, unless driven by hand.
class TRESTLE_EXPORT Node {
 public:
  /// A node that does not listen yet. Throws BadResult, invalid_argument: an option out of range.
  explicit Node(NodeOptions options = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Its id, by which others know it.
  const InstanceId& instance_id() const noexcept;
  /// Which start of that id it is; later ones have larger numbers.
  std::uint64_t incarnation() const noexcept;

  /// Follows which peers come and go from now on.
  PeerEvents peer_events() const;

  /// Makes a handler callable, from the next message on.
  /// Errors: handler_exists, reserved_name, name_too_long, invalid_argument.
  [[nodiscard]] Result<void> add(Handler handler);

  /// The next message does not find that handler; runs under way finish, and so do messages that
  /// wait for it already. Errors: handler_not_found, reserved_name.
  [[nodiscard]] Result<void> remove(std::string_view handler);
  /// The names of all handlers, the system's included, in order.
  std::vector<std::string> list_handlers() const;
  /// Errors: handler_not_found.
  [[nodiscard]] Result<HandlerContract> contract(std::string_view handler) const;
  /// Follows what is added and removed from now on.
  HandlerEvents handler_events() const;

  /// Listens at `uri`; returns the real URI, which peers can connect to.
  /// Errors: bad_endpoint, unknown_scheme, plugin_rejected, address_in_use, insecure_listener (an
  /// address beyond the host needs a transport that authenticates, or insecure=1 in the URI).
  /// spin=, checksum=, heartbeat= and dead_after= in the URI, also of connect(), set the options
  /// of these names from then on.
  [[nodiscard]] Result<std::string> listen(std::string_view uri);

  /// Connects and waits for the peer's hello. Connecting where one is connected already returns the
  /// same peer. Errors: connect_refused, unreachable, deadline_exceeded, handshake_failed,
  /// version_mismatch, identity_mismatch, stale_incarnation, those of listen(), and
  /// would_block_for_ever as for calls, see Peer.
  [[nodiscard]] Result<Peer> connect(std::string_view uri, ConnectOptions options = {});

  /// connect() with a completion token for `void(Result<Peer>)`; see <trestle/async.hpp>, which it
  /// needs. Never blocks, so it may be used anywhere.
  template <class Token = boost::asio::deferred_t>
  auto async_connect(std::string_view uri, ConnectOptions options = {}, Token&& token = Token());

  /// A peer by its id; one's own id gives a loopback. Calls to an id that was never connected fail
  /// with unknown_peer.
  Peer peer(const InstanceId& id);

  /// Connects by the endpoint that is nearest and leads to that instance: those within the process
  /// first, then those of the host, if it is the same, then the network's. Each gets its part of
  /// the time. From then on it is known by all of them, as with register_peer(). Errors: each
  /// endpoint with what was wrong, and the code of the last; unreachable if there is none.
  [[nodiscard]] Result<Peer> connect(const PeerInfo& peer, ConnectOptions options = {});
  /// The same with a completion token, as async_connect() of a URI. Cancelling it ends the attempt
  /// that is under way, and makes no other.
  template <class Token = boost::asio::deferred_t>
  auto async_connect(const PeerInfo& peer, ConnectOptions options = {}, Token&& token = Token());
  /// Makes a peer known by where it listens now; the next call dials it. Where one endpoint does
  /// not lead there, calls go on to the next, also after the connection was lost. Again, with other
  /// endpoints, replaces the connection: it ends once its calls have. A peer that is known already
  /// is found by its id.
  /// Errors: invalid_argument: no id; as connect() if no endpoint can be used from here.
  [[nodiscard]] Result<Peer> register_peer(const PeerInfo& peer);
  /// Which endpoints of that peer would be used from here, in which order, and why others not.
  /// Loads transports, and connects nowhere.
  RoutePlan plan_route(const PeerInfo& peer) const;
  /// Asks the node at `uri` who it is. A connection made for that alone is closed again.
  [[nodiscard]] Result<PeerInfo> discover(std::string_view uri, ConnectOptions options = {});
  /// The same at the first of these endpoints where a node answers, within one timeout.
  /// Errors: each endpoint with what was wrong, and the code of the last.
  [[nodiscard]] Result<PeerInfo> discover_any(const WorkerAddress& address,
                                              ConnectOptions options = {});
  /// discover() with a completion token for `void(Result<PeerInfo>)`.
  template <class Token = boost::asio::deferred_t>
  auto async_discover(std::string_view uri, ConnectOptions options = {}, Token&& token = Token());
  /// Likewise discover_any().
  template <class Token = boost::asio::deferred_t>
  auto async_discover_any(const WorkerAddress& address, ConnectOptions options = {},
                          Token&& token = Token());
  /// This node, as discover() gives it to others: no wildcards, but the addresses of this host.
  PeerInfo info() const;
  /// The peers that are known, connected or not, in the order of their ids. Without this node.
  std::vector<Peer> peers() const;

  /// A message that is put together step by step; it needs a target, a peer of this node. Needs
  /// <trestle/message_builder.hpp>.
  MessageBuilder<NeedsDeliveryMode> message(std::string_view handler) const;

  /// Runs an ack or unary handler at each of peers() at the same time, and waits until all ended;
  /// replies are dropped. The argument is encoded once, and one deadline holds for all. Errors of
  /// one peer are its outcome, queue_full where its send queue has no room; where the argument
  /// cannot be encoded, everyone's.
  template <class T>
  std::vector<PeerOutcome> broadcast(std::string_view handler, const T& value,
                                     const CallOptions& options = {}) const {
    return broadcast_encoded(handler, detail::encode_argument(options.codec, value), options);
  }
  /// The same with a completion token for `void(std::vector<PeerOutcome>)`. Cancelling it ends what
  /// has not ended.
  template <class T, class Token = boost::asio::deferred_t>
  auto async_broadcast(std::string_view handler, const T& value, const CallOptions& options = {},
                       Token&& token = Token()) const;

  /// Runs `function` after `delay`, on whichever thread drives the node then; keep it short. It may
  /// make blocking calls as inline handlers do, see Peer.
  void after(std::chrono::nanoseconds delay, std::function<void()> function);

  /// An Asio executor that runs functions on the node's workers; needs <trestle/node_executor.hpp>.
  NodeExecutor executor();

  /// Manual driving: one turn of this node alone; returns how much was handled.
  std::size_t poll();

  /// The time on its clock, which deadlines are on.
  TimePoint now() const noexcept;
  /// What it counted since its start, and has now.
  NodeCounters counters() const;
  /// What it did not run, by reason and by handler; after close(), too. Whoever got a refusal finds
  /// it counted.
  DispatchCounts dispatch_counts() const;
  /// All of it and more, as peers and `trestle stats` get it; needs <trestle/statistics.hpp>. One
  /// moment's, but for what workers count meanwhile.
  NodeStatistics statistics() const;

  /// Stopped when the node begins to close, whoever asked for it: what shall end with the node can
  /// be tied to it, and a program can wait for it. Stopped by hand is nothing of it: it has no
  /// source. Callbacks run on the thread that closes, which waits for them. Under a ManualDriver it
  /// is stopped, too, when a peer asks for a shutdown, which is then up to who drives: close().
  std::stop_token stop_token() const;

  /// Refuses new work and tells the peers, waits for running handlers and their replies at most
  /// close_timeout, then closes. Messages that wait for a worker are dropped then; handlers that
  /// run see their stop tokens stopped, and have another second to end. Whichever do not are named,
  /// and the destructor waits for them: they may use the node. Again does nothing; a closed node
  /// stays closed, and who wants to go on makes a new one. An inline handler that does not end is
  /// named, at most three seconds later, and what it may be using is leaked.
  /// Errors: deadline_exceeded: what was still busy. would_block_for_ever inside a handler, which
  /// close() would wait for. The destructor cannot wait there, nor in completions and timers: no
  /// message is admitted any more, and the rest of the closing happens after it, on a thread made
  /// for that, or in the next turn of a ManualDriver. What still runs meanwhile, handlers and the
  /// completions of calls that were pending, must not use what ended with the Node, nor may the
  /// code itself go on to use the Node or its Context::node.
  Result<void> close();
  /// close() with a completion token for `void(Result<void>)`, on a thread that closing has of its
  /// own, so that handlers may ask for it; driven by hand, on the present one, in a handler only
  /// would_block_for_ever. Nobody can cancel it. A function without an executor is called by the
  /// thread that closes, and must not destroy the node.
  template <class Token = boost::asio::deferred_t>
  auto async_close(Token&& token = Token());

 private:
  friend class NodeCore;

  /// Stands in for the one that `core` was made for.
  explicit Node(std::shared_ptr<NodeCore> core) noexcept;
  std::vector<PeerOutcome> broadcast_encoded(std::string_view handler, Result<Encoded> argument,
                                             const CallOptions& options) const;

  std::shared_ptr<NodeCore> core_;
};

}  // namespace trestle
