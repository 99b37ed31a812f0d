// One connection to a peer: handshake, frames in, frames out, and the calls that wait on it.
#pragma once

#include <trestle/checksum.hpp>
#include <trestle/detail/open_call.hpp>
#include <trestle/error.hpp>
#include <trestle/ids.hpp>

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calls/call_table.hpp"
#include "dispatch/fair_budget.hpp"
#include "engine/engine.hpp"
#include "engine/leadership.hpp"
#include "memory/block_allocator.hpp"
#include "peers/bulk_leases.hpp"
#include "peers/call_gathering.hpp"
#include "peers/connection_events.hpp"
#include "peers/handler_names.hpp"
#include "peers/inbox.hpp"
#include "peers/keyed_hash.hpp"
#include "peers/message_run.hpp"
#include "peers/outbox.hpp"
#include "peers/outgoing_request.hpp"
#include "peers/pulse.hpp"
#include "wire/checksum.hpp"
#include "wire/frame.hpp"
#include "wire/packet.hpp"

namespace trestle::detail {
class PeerLink;
}
namespace trestle::dispatch {
struct KeptMessage;
}

namespace trestle::peers {

/// Limits of one connection; see NodeOptions.
struct ConnectionLimits {
  std::size_t calls_max = 0;
  std::size_t message_bytes_max = 0;
  std::size_t queue_bytes_max = 0;
  std::size_t requests_max = 0;  ///< that the peer may have under way
  TimePoint handshake_timeout{0};
  TimePoint close_timeout{0};
  std::size_t newcomer_bytes_max = 0;       ///< before it is known whether it is admitted
  Checksum checksum = Checksum::automatic;  ///< whether to ask for them
  const TurnLimits& turn;         ///< of what is handled at once; may change between turns
  UnsentTotal* unsent = nullptr;  ///< of all connections; null: no limit
  MessageNotes notes = MessageNotes::none;
};

/// Threads: under the engine's lock.
class Connection final : public engine::LinkEvents,
                         public calls::DeadlineEvents,
                         public std::enable_shared_from_this<Connection>,
                         private PacketSink {
 public:
  /// A connection over a transport; `attach` follows.
  Connection(engine::Engine& engine, ConnectionEvents& events, const ConnectionLimits& limits,
             Opener opener, std::uint32_t number);
  ~Connection();

  void attach(engine::Transport& transport, tt_conn* conn);
  /// Makes this one end of a loopback: open at once, no transport.
  void attach_loopback(Connection& other, const PeerFacts& self);

  /// Gives up unless the handshake is done by then.
  void limit_handshake(TimePoint deadline);
  /// Somebody else waits for the connection, too: it may take until then to come up.
  void allow_until(TimePoint deadline);

  // ---- What the node sends ----

  /// Sends a request and, unless it is fire_and_forget, completes `sink` with its outcome.
  /// Before the handshake is done, and beyond the peer's window, requests wait in order.
  /// Errors: payload_too_large, queue_full, too_many_calls; nothing was sent then.
  Result<wire::CallId> send_request(OutgoingRequest&& request, calls::CallSink* sink);
  /// Sends bytes to a handler that the peer knows by a number, expecting nothing; copies them.
  /// Empty, and nothing was sent: send_request() has to look. What is sent must be announced.
  std::optional<SmallMessage> send_small(std::string_view handler, Codec codec, BytesView payload);
  /// The same for a call: completes `sink` with its outcome. False: nothing was done. What is sent
  /// needs no announcement.
  bool send_small_call(const SmallCall& small, calls::CallSink& sink);
  /// There is something to flush.
  void announce_output() { events_.on_output(*this); }
  /// Hands over packets that take no more frames.
  void flush_full_packets() { flush(Outbox::Extent::full_packets); }
  /// False: send_request() would refuse it as queue_full, or overtake one that waits.
  bool has_room_for(const OutgoingRequest& request) const;
  /// Sends `send` once there is room: in order, nobody overtakes. Then `on_admitted` follows.
  void wait_for_room(BlockedSend& send);
  void stop_waiting_for_room(BlockedSend& send);
  /// Completes `sink`, empty, when the peer's node answers.
  Result<wire::CallId> send_ping(calls::CallSink& sink, std::optional<TimePoint> deadline);
  /// The call's outcome is of no interest any more; its sink is not touched again. The message is
  /// withdrawn if it has not left.
  void abandon(wire::CallId call);
  /// The same, but the message is sent.
  void forget(wire::CallId call);
  /// Ends the call as cancelled. The peer is told if the message may have left. False: the call is
  /// over, or `scope` does not allow it.
  bool cancel(wire::CallId call, detail::CallCanceller::Scope scope);

  /// A request of the peer that is kept and owes its outcome can be cancelled from now on.
  void add_running(wire::CallId call, const std::shared_ptr<dispatch::KeptMessage>& message);
  /// Its outcome is being sent.
  void remove_running(wire::CallId call) { running_.erase(call.value); }
  /// Those that were added and not removed, and are still there.
  std::vector<std::shared_ptr<dispatch::KeptMessage>> running() const;

  void send_accepted(const wire::Accepted& accepted);
  void send_ack(wire::CallId call);
  void send_nack(wire::CallId call, const Error& error);
  void send_reply(wire::CallId call, Encoded&& reply);
  void send_goodbye(Errc code, std::string_view text);
  /// Tells the peer that requests which expected nothing are done.
  void send_window();
  void flush() { flush(Outbox::Extent::all); }

  /// Handles what waits, as far as the share of this turn goes.
  void read_on();
  std::size_t waiting_bytes() const noexcept { return inbox_.bytes(); }
  /// Ends it, because the packets of all connections that wait are more than `bytes_max`, and none
  /// has more of them.
  void end_for_memory(std::size_t bytes_max);

  /// Another connection to the same peer serves from now on: this one takes no new requests and
  /// closes once both sides have the outcomes of theirs.
  void retire();

  /// Its peer was to be admitted later, and is: what was held is read now. Threads: the leader.
  void admit_held();
  void refuse_held(const Error& why);

  /// Ends the connection: what is queued is sent first, for at most close_timeout. Waiting calls
  /// end with `why`.
  void close(const Error& why);
  /// Ends it at once.
  void abort(const Error& why);
  /// The same, and the peer is not wanted back.
  void evict(const Error& why);
  /// The same, and whoever waits is told before the transport is done with it.
  void fail(const Error& why);
  /// Ends it although the transport has not said CLOSED: it keeps what it may still read.
  void forsake(const Error& why);
  /// Ends the calls and sends that wait on it; no more can come after close() or abort().
  void end_calls(const Error& why);
  /// Takes over the requests of `lost` that have not left, with their ids, and the senders that
  /// wait there for room: for a connection that has no calls. Of the same number, messages keep
  /// their ids, too.
  void succeed(Connection& lost);
  /// The same for one that is open: they leave at once.
  void replace(Connection& waiting);

  /// Asks for a sign of life; returns the number of the frame.
  FrameNumber send_heartbeat();

  // ---- What is known of it ----

  bool is_open() const noexcept { return state_ == State::open; }
  /// It was open, and neither side wanted its end.
  bool is_lost() const noexcept { return was_open_ && !ended_by_choice(); }
  /// Either side said that it wants no more of it.
  bool ended_by_choice() const noexcept { return by_choice_ || goodbye_.has_value(); }
  bool is_closing() const noexcept { return state_ == State::closing || state_ == State::closed; }
  /// The other side never said who it is.
  bool is_stranger() const noexcept { return !was_open_; }
  Opener opener() const noexcept { return opener_; }
  const PeerFacts& peer() const noexcept { return peer_; }
  std::uint32_t number() const noexcept { return number_; }
  /// Empty for loopbacks and before `attach`.
  const engine::Transport* transport() const noexcept { return transport_; }
  std::size_t calls_pending() const noexcept { return calls_->size(); }
  /// The peer does not read what it asked for: more requests would only add to it.
  bool is_congested() const noexcept {
    // As if as much again came: a request that runs shall find room for its reply.
    return outbox_.queued_bytes() > limits_.queue_bytes_max ||
           holds_too_much(outbox_.queued_bytes());
  }
  /// Bytes of frames that the transport has not taken yet.
  std::size_t queued_bytes() const noexcept { return outbox_.queued_bytes(); }
  /// Also what waits for the peer's window, or to be pulled by it.
  std::size_t unsent_bytes() const noexcept {
    return queued_bytes() + deferred_bytes_ + leased_bytes();
  }
  /// Requests, or threads that want to send some, have not left.
  bool has_unsent() const noexcept {
    return calls_->size() != 0 || has_requests_waiting() || !outbox_.is_empty();
  }
  /// True if all that was sent left this node, or never will.
  bool is_flushed() const noexcept {
    return !is_open() || cut_off_ ||
           (outbox_.is_idle() && !has_leases() && !has_requests_waiting());
  }
  /// Open, and good for new requests.
  bool is_usable() const noexcept { return is_open() && !goodbye_ && !retiring_ && !cut_off_; }
  /// The peer said that no more requests come from it. One that drains still sends what it had
  /// taken from its application before.
  bool has_left() const noexcept { return goodbye_ && !goodbye_->is(Errc::draining); }
  /// What the peer said when it left, if it did.
  const std::optional<Error>& goodbye() const noexcept { return goodbye_; }

  /// Of the heartbeat.
  Pulse& pulse() noexcept { return pulse_; }
  const Pulse& pulse() const noexcept { return pulse_; }
  /// Frames with smaller numbers have left.
  FrameNumber sent_up_to() const noexcept { return outbox_.left(); }
  /// Also of packets that are not complete; 0 where the transport does not say.
  std::uint64_t bytes_received() const noexcept;

  /// Set by the node: the peer behind it, and who is told when the handshake ends.
  std::shared_ptr<detail::PeerLink> link;
  std::optional<InstanceId> expected;
  std::string dialled_uri;
  bool is_to_lost_peer = false;  // it was connected before, and is dialled again
  bool is_held = false;          // it is in the node's list of those to flush later
  bool has_output = false;       // it is in the node's list of those to flush
  CallGathering gathering;       // of calls that completions made

  /// First half of the ids of the messages that we send; see message_origin().
  std::uint64_t own_origin() const noexcept { return own_origin_; }
  /// The id of a message that the peer sent.
  MessageId id_of_received(wire::CallId call) const noexcept {
    return MessageId::from_halves(peer_origin_, call.value);
  }

  /// Requests that expect nothing are done. True if it is time for send_window(). Threads: any.
  bool count_forgotten(std::uint32_t requests = 1) noexcept {
    const std::uint32_t done = forgotten_.fetch_add(requests, std::memory_order_seq_cst) + requests;
    return window_step_ != 0 && (done >= window_step_ || fills_window(done));
  }
  /// Requests are done that send_window() would tell of. Threads: any.
  bool has_room_to_announce() const noexcept {
    return window_step_ != 0 && forgotten_.load(std::memory_order_seq_cst) != 0;
  }
  /// They keep the peer from sending more. Threads: any.
  bool must_announce_room() const noexcept {
    const std::uint32_t done = forgotten_.load(std::memory_order_seq_cst);
    return done != 0 && fills_window(done);
  }

  /// The peer's requests that are kept and whose outcome is not known yet; the dispatcher counts
  /// them. Threads: any.
  // seq_cst, as forgotten_: whoever counts in one of them and then looks at the other must not miss
  // who does the reverse, or room is announced by neither.
  std::atomic<std::size_t> requests_running{0};

  /// What the peer's requests hold of what may wait for handlers on this node.
  dispatch::FairBudget::Holder messages_waiting;
  dispatch::FairBudget::Holder bytes_waiting;

  // ---- What the transport says ----
  void on_connected() override;
  void on_packet(const wire::PacketView& packet, engine::PacketSource& source) override;
  void on_sent(std::uint64_t op, tt_status status) override;
  void on_writable() override;
  void on_bulk(std::uint64_t op, tt_status status, BytesView bytes,
               engine::PacketSource& source) override;
  void on_closed(tt_status status, std::string_view text) override;
  void on_deadline(wire::CallId call) override;

 private:
  enum class State { starting, handshaking, open, closing, closed };

  struct LimitTimer final : engine::Timer {
    explicit LimitTimer(Connection& c) noexcept : connection(c) {}
    void expire() override { connection.on_limit(); }
    Connection& connection;
  };

  class TrainLoader;

  /// Of pings that no call waits for.
  static constexpr std::uint64_t heartbeat_cookie = ~std::uint64_t{0};

  tt_status send_packet(std::span<const tt_iov> segments, std::uint32_t flags,
                        std::uint64_t op) override;

  // ---- connection_bulk.cpp ----
  bool is_pulling() const noexcept { return bulk_ != nullptr && bulk_->pulls.is_awaited(); }
  bool has_leases() const noexcept { return bulk_ != nullptr && !bulk_->leases.empty(); }
  std::size_t leased_bytes() const noexcept { return bulk_ != nullptr ? bulk_->leases.bytes() : 0; }
  void drop_leases(std::vector<Payload>& done) {
    if (bulk_ != nullptr) bulk_->leases.clear(done);
  }
  void offer_bulk(wire::Hello& hello);
  void learn_bulk(std::uint64_t features) noexcept;
  std::optional<BulkLease> lease(Payload& payload, wire::Pull& pull);
  /// As Outbox::add(); large payloads are lent to the peer, if it takes them.
  template <class Frame>
  FrameNumber queue_with_payload(Frame&& frame, Payload&& payload) {
    if (payload.size() >= lease_bytes_min_) return queue_lent(frame, payload);
    return outbox_.add(std::move(frame), std::move(payload));
  }
  template <class Frame>
  FrameNumber queue_lent(Frame& frame, Payload& payload);
  void end_lease(std::optional<BulkLease> lease);
  void handle(const wire::Pulled& pulled);
  void take_in_pulled(const wire::PacketView& packet);
  Result<> check_pull(const wire::Pull& pull) const;
  tt_status begin_get(const wire::Pull& pull, std::uint64_t op) const noexcept;
  bool handle(const wire::Pull& pull);
  void note_pulls(wire::PacketReader unread);
  void pull_ahead();
  void take_pulled_first();

  void queue_reply(wire::CallId call, Encoded& reply);
  Result<wire::CallId> refuse_to_overtake() const;
  Result<wire::CallId> accept_request(OutgoingRequest& request, calls::CallSink* sink);
  /// `payload` is not needed any more; what releases it may be the application's code.
  void dispose_of(Payload& payload) {
    if (payload.is_lent()) return events_.spent_payloads().push_back(std::move(payload));
    const Payload gone(std::move(payload));
  }
  void queue_request(OutgoingRequest& request, wire::CallId id, calls::PendingCall* call);
  FrameNumber add_request(OutgoingRequest& request, wire::CallId id,
                          const NamesSent::Naming& naming);
  bool withdraw(const calls::PendingCall& call);
  void admit_blocked();
  void end_blocked(const Error& why);
  void end_requests(const Error& why);
  void end_sent(const Error& why);
  Errc code_of_end(const Error& why) const noexcept;
  /// It, or what it succeeds, or another one before.
  bool was_up() const noexcept { return was_open_ || is_successor_ || is_to_lost_peer; }
  void report_losses(const Error& why);
  void count_done(std::size_t messages);
  void queue_ping(calls::PendingCall& call);
  void send_deferred();
  void send_run(MessageRun& run);
  void expand_runs(const NamesSent& names);
  SmallMessage::Place defer_small(const wire::PlainFrame& message);
  void flush(Outbox::Extent extent);
  void defer_request(OutgoingRequest& request, wire::CallId call, std::size_t bytes);
  void drop_deferred(wire::CallId call);
  bool take_back(const calls::PendingCall& call);
  void send_cancel(const calls::PendingCall& call);
  void learn(const PeerFacts& peer);
  void take_in(const wire::PacketView& packet, engine::PacketSource& source);
  void send_waiting();
  /// What `lost` had packed and not sent.
  void take_unsent(Connection& lost);
  /// A request among them whose payload the peer was to read.
  void take_announced(const wire::Pull& pull,
                      const std::function<void(wire::Request&, Payload&&)>& take);
  DeferredRequest unpack(wire::Request& request, Payload&& lent);
  void forget_latest_message();
  void hold(const wire::PacketView& packet);
  void became_open();
  void on_limit();
  void refuse(const Error& error);
  void hang_up(std::uint32_t flags);
  void go_on_retiring();
  void release(calls::PendingCall& call, Result<Encoded>&& outcome);
  void finish(const Error& why);
  // Asked for each message: an error is only made where there is one.
  bool is_too_large(std::size_t frame_bytes) const noexcept {
    // Before the hello only our own limit is known; it is the same unless one side changed it.
    return frame_bytes > (is_open() ? peer_.frame_bytes_max : limits_.message_bytes_max);
  }
  Error too_large(std::string_view handler, std::size_t payload_bytes,
                  std::size_t frame_bytes) const;
  bool has_queue_room(std::size_t frame_bytes) const noexcept {
    const std::size_t queued = unsent_bytes();
    return queued == 0 || queued + frame_bytes <= limits_.queue_bytes_max;
  }
  Error queue_full() const;
  /// With `more`, it would have more in its queue than all connections may still add.
  bool holds_too_much(std::size_t more) const noexcept {
    if (limits_.unsent == nullptr || outbox_.queued_bytes() == 0) return false;
    const std::size_t left = limits_.unsent->left();
    return more > left || outbox_.queued_bytes() + more > left - more;
  }
  void give_up_on_peer(const Error& why);
  std::uint64_t own_features() const noexcept;
  /// Both hellos are known: whether packets have checksums from now on.
  void agree_on_checksums();
  /// False: the connection has ended.
  bool is_intact(const wire::PacketView& packet);
  bool is_intact(BytesView payload, std::optional<std::uint32_t> sum);
  bool is_sound(const Result<>& checked);

  /// How far a packet was read.
  enum class Progress { may_go_on, whole, share_used_up, ended };
  Progress read_frames(wire::PacketReader& reader, engine::PacketSource& source);
  /// Those in a row that nearly all are; what is next is something else then, or nothing.
  Progress read_plain_frames(wire::PacketReader& reader, engine::PacketSource& source);
  // Out of line: what makes a frame of any kind has no room beside what reads plain ones.
  [[gnu::noinline]] Progress read_any_frame(wire::PacketReader& reader,
                                            engine::PacketSource& source);
  void wait_for_turn(const wire::PacketReader& reader, engine::PacketSource& source);
  bool must_read_all() const noexcept;
  void read_waiting();
  void on_inbox_empty();
  bool handle_plain(const wire::PlainFrame& frame, engine::PacketSource& source);
  bool handle_plain_request(const wire::PlainFrame& frame, engine::PacketSource& source);
  bool handle_frame(wire::Frame& frame, engine::PacketSource& source);
  bool handle(const wire::Hello& hello);
  bool handle(wire::Request& request, engine::PacketSource& source);
  void handle_cancel(wire::CallId call);
  void handle_window(std::size_t credits);
  /// Whether `done` and those under way are all that the peer may have sent.
  bool fills_window(std::uint32_t done) const noexcept {
    return limits_.requests_max != 0 &&
           requests_running.load(std::memory_order_seq_cst) + done >= limits_.requests_max;
  }
  /// For the peer's window, or for room in the queue.
  bool has_requests_waiting() const noexcept { return !deferred_.empty() || !blocked_.empty(); }
  bool has_window() const noexcept { return peer_.window == 0 || under_way_ < peer_.window; }
  bool handle(const wire::Rejected& rejected);
  bool handle(const wire::Goodbye& goodbye);
  void handle_outcome(wire::CallId call, Result<Encoded>&& outcome);
  void handle_accepted(const wire::Accepted& accepted);
  void handle_ack(wire::CallId call);
  void handle_pong(wire::CallId call);
  bool violated(const Error& error);

  engine::Engine& engine_;
  ConnectionEvents& events_;
  const ConnectionLimits limits_;
  const Opener opener_;
  const std::uint32_t number_;
  State state_ = State::starting;
  engine::Transport* transport_ = nullptr;
  tt_conn* conn_ = nullptr;
  std::weak_ptr<Connection> loopback_;
  PeerFacts peer_;
  Pulse pulse_;
  LimitTimer limit_timer_;
  std::unique_ptr<calls::CallTable> calls_;  // a successor takes it over
  Outbox outbox_;
  Inbox inbox_;
  std::unique_ptr<BulkState> bulk_;  // where the transport has it
  std::size_t lease_bytes_min_ = std::numeric_limits<std::size_t>::max();
  TurnShare share_;
  std::uint32_t likely_train_ = 1;  // messages of the latest train
  struct End {
    tt_status status;
    std::string text;
  };
  std::optional<End> end_;  // what the transport said, while the inbox is not empty
  NamesSent names_sent_;
  NamesReceived names_received_;
  DeferredRequests deferred_;  // until the handshake is done or the window has room
  // By call id: those whose outcome somebody waits for. They may end in any order.
  boost::unordered_flat_map<std::uint64_t, DeferredRequests::iterator> deferred_calls_;
  std::size_t deferred_bytes_ = 0;
  std::deque<BlockedSend*> blocked_;
  std::vector<wire::CallId> deferred_pings_;
  // By call id, which the peer chose. Weak: a message holds its connection.
  boost::unordered_flat_map<std::uint64_t, std::weak_ptr<dispatch::KeptMessage>, KeyedHash>
      running_;
  std::uint32_t under_way_ = 0;              // our requests that the peer has not finished
  const std::uint32_t window_step_;          // requests to finish before the peer is told; 0: never
  std::atomic<std::uint32_t> forgotten_{0};  // finished since
  std::uint64_t own_origin_ = 0;
  std::uint64_t peer_origin_ = 0;    // first half of the ids of the peer's messages
  std::uint64_t messages_sent_ = 0;  // numbers messages that expect nothing back
  std::size_t in_doubt_ = 0;         // of those queued, the peer has not said that they are done
  std::deque<MessageNote> notes_;    // of the same, if asked for
  std::optional<Error> goodbye_;     // what the peer said when it left
  std::optional<Error> close_reason_;
  bool was_open_ = false;
  wire::ChecksumRule checksum_rule_ = wire::ChecksumRule::if_present;
  std::vector<Payload> held_packets_;  // since its hello, until it is admitted
  std::size_t held_bytes_ = 0;
  bool is_held_back_ = false;
  bool is_successor_ = false;
  bool by_choice_ = false;
  bool asked_for_heir_ = false;
  bool hung_up_ = false;
  bool aborted_ = false;
  bool paused_ = false;                  // the transport does not read for us
  bool dialler_gives_up_first_ = false;  // whose deadline comes before handshake_timeout
  bool cut_off_ = false;        // nothing can be sent any more; the end of what comes in follows
  bool left_in_order_ = false;  // the peer took all that was sent
  bool retiring_ = false;
  bool said_goodbye_ = false;
};

/// First half of the ids of all messages that `sender` sends on its connection of that number; the
/// call's id is the other. Equal at both ends.
std::uint64_t message_origin(const InstanceId& sender, std::uint64_t incarnation,
                             std::uint32_t connection) noexcept;

}  // namespace trestle::peers
