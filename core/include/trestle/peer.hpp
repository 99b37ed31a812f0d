// A handle to another node, and the calls one makes through it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <trestle/clock.hpp>
#include <trestle/codec.hpp>
#include <trestle/context.hpp>
#include <trestle/delivery_mode.hpp>
#include <trestle/detail/encode_argument.hpp>
#include <trestle/detail/open_call.hpp>
#include <trestle/detail/payload_types.hpp>
#include <trestle/detail/read_reply.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/ids.hpp>
#include <trestle/peer_info.hpp>
#include <trestle/retry_policy.hpp>

namespace boost::asio {
class deferred_t;
}

namespace trestle {

struct Health;
struct NodeStatistics;
struct TransportHealth;
struct NeedsDeliveryMode;
template <class State>
class MessageBuilder;

namespace detail {
class PeerLink;
class CallNow;
class CallStart;
class MessageDraft;
class PingStart;
class SystemStart;
class TransportHealthStart;
struct SystemQuestion;

template <class T>
inline constexpr bool is_in_place = false;
template <class T>
inline constexpr bool is_in_place<std::in_place_type_t<T>> = true;
/// A value to send, rather than how to build one.
template <class T>
concept ArgumentValue = !is_in_place<T>;
/// Where no token follows, a value can be told from a token.
template <class T>
concept ArgumentAlone = Encodable<T> || std::same_as<T, Encoded>;
/// What is neither a value to send nor how to build one.
template <class T>
concept TokenAlone = !ArgumentAlone<T> && !is_in_place<T>;

/// Takes the time of a round trip that nobody blocks for.
using PingCompletion = UniqueFunction<void(Result<std::chrono::nanoseconds>)>;
/// Takes what is known of the way to a peer.
using TransportHealthCompletion = UniqueFunction<void(TransportHealth)>;
}  // namespace detail

/// How calls through one Peer handle are made. A call whose deadline is over, whose token is
/// stopped or whose headers exceed a limit is refused, and nothing is sent.
struct CallOptions {
  std::optional<std::chrono::nanoseconds> timeout{};  ///< for the whole call; unset: the node's
  Codec codec = Codec::msgpack;                       ///< for typed payloads
  std::optional<TimePoint> deadline{};  ///< on the node's clock; what comes first counts
  std::stop_token stop{};               ///< ends calls that wait, as cancelled
  Headers headers{};                    ///< travel with each request
  RetryPolicy retry{};                  ///< of calls and confirmations
};

/// Builds a call's argument inside the call: `peer.call<R>("h", in_place<Request>, a, b)`.
template <class T>
inline constexpr std::in_place_type_t<T> in_place{};

/// A cheap handle to another node, or to the own one. Copy it freely.
/// Arguments and replies are `Payload` (bytes as they are), `Encoded`, or what codec.hpp encodes.
/// Every call ends in exactly one outcome: a reply, a refusal by the peer with its text, the
/// deadline, or the loss of the connection; `Error::ran` says whether the handler
/// may have run.
/// A thread that waits for an outcome drives the node meanwhile, and with it runs inline handlers
/// and completions. These may make blocking calls, too, of the node that runs them and up to 16
/// deep; others are refused as would_block_for_ever.
/// Threads: any. Errors: no_target on a default-constructed handle.
class TRESTLE_EXPORT Peer {
 public:
  Peer() = default;
  /// Made by a node.
  explicit Peer(std::shared_ptr<detail::PeerLink> link, CallOptions options = {})
      : link_(std::move(link)), options_(std::move(options)) {}

  /// Nil until the peer was connected once.
  InstanceId instance_id() const;
  /// Whether there is a connection now. Calls dial again where this side dialled before.
  bool is_connected() const;

  /// The same peer with other call options, all of them: what `options` does not set is as by
  /// default, whatever this handle had. The functions below change one and keep the others.
  Peer with(CallOptions options) const { return Peer(link_, std::move(options)); }
  /// Those of this handle.
  const CallOptions& options() const noexcept { return options_; }
  /// With another timeout.
  Peer with_timeout(std::chrono::nanoseconds timeout) const {
    return changed([timeout](CallOptions& options) { options.timeout = timeout; });
  }
  /// With another deadline.
  Peer with_deadline(TimePoint deadline) const {
    return changed([deadline](CallOptions& options) { options.deadline = deadline; });
  }
  /// With another codec for typed payloads.
  Peer with_codec(Codec codec) const {
    return changed([codec](CallOptions& options) { options.codec = codec; });
  }
  /// With another stop token.
  Peer with_stop(std::stop_token token) const {
    return changed([&token](CallOptions& options) { options.stop = std::move(token); });
  }
  /// With one more header, or another value of the one of that name.
  Peer with_header(std::string_view name, std::string_view value) const {
    return changed([name, value](CallOptions& options) { options.headers.set(name, value); });
  }
  /// With another retry policy.
  Peer with_retry(RetryPolicy policy) const {
    return changed([&policy](CallOptions& options) { options.retry = policy; });
  }

  /// The same peer for calls on behalf of a message that a handler runs for: they end with it. Its
  /// deadline bounds theirs, and its stop token takes the place of the options' own.
  Peer within(const Context& context) const;

  /// Runs a unary handler and waits for its reply. R: void takes a handler that gives no value;
  /// WithHeaders<T> is a T and the headers of the reply.
  /// Errors: also no_reply where R is not void and the handler gave nothing; cancelled when the
  /// options' stop token stops.
  template <class R, class T>
  [[nodiscard]] Result<R> call(std::string_view handler, const T& value) const {
    auto argument = encode_argument(value);
    if (argument.has_error()) return std::move(argument).error();
    return detail::read_reply<R>(
        invoke(handler, DeliveryMode::with_response, std::move(*argument)));
  }
  /// The same with bytes that are handed over: large ones travel without a copy where the transport
  /// can lend them.
  template <class R>
  [[nodiscard]] Result<R> call(std::string_view handler, Payload&& bytes) const {
    return call<R>(handler, Encoded{Codec::bytes, std::move(bytes)});
  }
  /// The same, in a codec of its own.
  template <class R>
  [[nodiscard]] Result<R> call(std::string_view handler, Encoded&& argument) const {
    return detail::read_reply<R>(invoke(handler, DeliveryMode::with_response, std::move(argument)));
  }
  /// The same without an argument: no bytes.
  template <class R>
  [[nodiscard]] Result<R> call(std::string_view handler) const {
    return detail::read_reply<R>(invoke(handler, DeliveryMode::with_response, empty_argument()));
  }
  /// The same with an argument that is built inside the call.
  template <class R, class T, class... Arguments>
  [[nodiscard]] Result<R> call(std::string_view handler, std::in_place_type_t<T>,
                               Arguments&&... build) const {
    return call<R>(handler, make<T>(std::forward<Arguments>(build)...));
  }

  /// Runs a unary handler and returns at once. `token` is any Asio completion token for
  /// `void(Result<R>)`: a function, `use_future`, `use_awaitable`, `deferred` (which co_await
  /// takes, too), and what adapts them. All of it needs <trestle/async.hpp>, which says more. A
  /// function without an executor is called exactly once, on whichever thread drives the node, with
  /// no lock held; keep it short, the node waits for it. Calls that it starts leave together with
  /// those of its neighbours. Errors: queue_full where there is no room, whatever
  /// NodeOptions::when_full says.
  template <class R, detail::ArgumentValue T, class Token>
  auto async_call(std::string_view handler, const T& value, Token&& token) const;
  /// The same with bytes that are handed over.
  template <class R, class Token = boost::asio::deferred_t>
  auto async_call(std::string_view handler, Payload&& bytes, Token&& token = Token()) const;
  /// The same, in a codec of its own.
  template <class R, class Token = boost::asio::deferred_t>
  auto async_call(std::string_view handler, Encoded&& argument, Token&& token = Token()) const;
  /// Without an argument.
  template <class R, class Token = boost::asio::deferred_t>
  requires detail::TokenAlone<std::remove_cvref_t<Token>>
  auto async_call(std::string_view handler, Token&& token = Token()) const;
  /// Without a token. What comes back is `deferred`: co_await it, or call it with a token.
  template <class R, detail::ArgumentAlone T>
  auto async_call(std::string_view handler, const T& value) const;
  /// Likewise with an argument that is built inside the call.
  template <class R, class T, class... Arguments>
  auto async_call(std::string_view handler, std::in_place_type_t<T>, Arguments&&... build) const;

  /// confirm() with a completion token for `void(Result<void>)`.
  template <detail::ArgumentValue T, class Token>
  auto async_confirm(std::string_view handler, const T& value, Token&& token) const;
  /// The same with bytes that are handed over.
  template <class Token = boost::asio::deferred_t>
  auto async_confirm(std::string_view handler, Payload&& bytes, Token&& token = Token()) const;
  /// The same, in a codec of its own.
  template <class Token = boost::asio::deferred_t>
  auto async_confirm(std::string_view handler, Encoded&& argument, Token&& token = Token()) const;
  /// Without an argument.
  template <class Token = boost::asio::deferred_t>
  requires detail::TokenAlone<std::remove_cvref_t<Token>>
  auto async_confirm(std::string_view handler, Token&& token = Token()) const;
  /// Without a token; gives `deferred`, as async_call() does.
  template <detail::ArgumentAlone T>
  auto async_confirm(std::string_view handler, const T& value) const;
  /// Likewise with an argument that is built inside.
  template <class T, class... Arguments>
  auto async_confirm(std::string_view handler, std::in_place_type_t<T>, Arguments&&... build) const;

  /// ping() with a completion token for `void(Result<std::chrono::nanoseconds>)`.
  template <class Token = boost::asio::deferred_t>
  auto async_ping(Token&& token = Token()) const;

  /// Runs an ack or unary handler and waits until it ended; a reply is dropped.
  template <class T>
  [[nodiscard]] Result<void> confirm(std::string_view handler, const T& value) const {
    auto argument = encode_argument(value);
    if (argument.has_error()) return std::move(argument).error();
    return confirm(handler, std::move(*argument));
  }
  /// The same with bytes that are handed over, as for call().
  [[nodiscard]] Result<void> confirm(std::string_view handler, Payload&& bytes) const {
    return confirm(handler, Encoded{Codec::bytes, std::move(bytes)});
  }
  /// The same, in a codec of its own.
  [[nodiscard]] Result<void> confirm(std::string_view handler, Encoded&& argument) const {
    return without_value(invoke(handler, DeliveryMode::confirmed, std::move(argument)));
  }
  /// The same without an argument.
  [[nodiscard]] Result<void> confirm(std::string_view handler) const {
    return confirm(handler, empty_argument());
  }
  /// The same with an argument that is built inside the call.
  template <class T, class... Arguments>
  [[nodiscard]] Result<void> confirm(std::string_view handler, std::in_place_type_t<T>,
                                     Arguments&&... build) const {
    return confirm(handler, make<T>(std::forward<Arguments>(build)...));
  }

  /// Sends and forgets: returns once the message is admitted to the local queue, with the id that
  /// the handler will see. Where there is no room, NodeOptions::when_full decides.
  template <class T>
  [[nodiscard]] Result<MessageId> send(std::string_view handler, const T& value) const {
    if constexpr (std::is_same_v<T, Payload>) return admit_bytes(handler, value.view());
    auto argument = encode_argument(value);
    if (argument.has_error()) return std::move(argument).error();
    return admit(handler, std::move(*argument));
  }
  /// The same with bytes that are handed over, as for call().
  [[nodiscard]] Result<MessageId> send(std::string_view handler, Payload&& bytes) const {
    return admit(handler, Encoded{Codec::bytes, std::move(bytes)});
  }
  /// The same, in a codec of its own.
  [[nodiscard]] Result<MessageId> send(std::string_view handler, Encoded&& argument) const {
    return admit(handler, std::move(argument));
  }
  /// The same without an argument.
  [[nodiscard]] Result<MessageId> send(std::string_view handler) const {
    return admit(handler, empty_argument());
  }
  /// The same with an argument that is built inside the call.
  template <class T, class... Arguments>
  [[nodiscard]] Result<MessageId> send(std::string_view handler, std::in_place_type_t<T>,
                                       Arguments&&... build) const {
    return send(handler, make<T>(std::forward<Arguments>(build)...));
  }

  /// A message to this peer, put together step by step. Needs <trestle/message_builder.hpp>.
  MessageBuilder<NeedsDeliveryMode> message(std::string_view handler) const;

  /// The time of one round trip to the peer's node; runs no handler.
  [[nodiscard]] Result<std::chrono::nanoseconds> ping() const;

  /// The names of the peer's handlers, the system's included.
  [[nodiscard]] Result<std::vector<std::string>> list_handlers() const;
  /// What the peer's node says of itself.
  [[nodiscard]] Result<Health> health_check() const;
  /// How the way to the peer is: pings it if it is connected, and dials nothing.
  [[nodiscard]] TransportHealth transport_health(
      std::chrono::nanoseconds timeout = std::chrono::seconds(1)) const;
  /// Waits until the peer has that handler; false: it had none after `timeout`, or closed before.
  [[nodiscard]] Result<bool> await_handler(
      std::string_view handler, std::chrono::nanoseconds timeout = std::chrono::seconds(30)) const;
  /// What that handler takes and gives. Errors: handler_failed "No handler for …".
  [[nodiscard]] Result<HandlerContract> contract(std::string_view handler) const;
  /// Who the peer is and where it listens.
  [[nodiscard]] Result<PeerInfo> discover() const;
  /// What it counted, and has now; needs <trestle/statistics.hpp>.
  [[nodiscard]] Result<NodeStatistics> statistics() const;

  /// Has the peer drain and close; returns once it begins to.
  /// Errors: not_permitted, as for all of these three: see Administration.
  [[nodiscard]] Result<void> request_shutdown() const;
  /// Has the peer connect to that instance at `endpoint`; returns once it did, so that it can call
  /// back.
  [[nodiscard]] Result<void> register_service(const InstanceId& instance,
                                              std::string_view endpoint) const;
  /// Has the peer disconnect from that instance and forget it. False: it knew nothing of it.
  [[nodiscard]] Result<bool> remove_service(const InstanceId& instance) const;

  /// Connects if need be, and sees that the peer answers. Every connection carries messages both
  /// ways: the peer's node can send to this one from then on.
  [[nodiscard]] Result<void> ensure_bidirectional_connection() const;

  /// The questions above with a completion token for `void(Result<…>)` of what they return.
  template <class Token = boost::asio::deferred_t>
  auto async_list_handlers(Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_health_check(Token&& token = Token()) const;
  /// Likewise, but for `void(TransportHealth)`; what is known without a ping is told at once.
  template <class Token = boost::asio::deferred_t>
  auto async_transport_health(std::chrono::nanoseconds timeout = std::chrono::seconds(1),
                              Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_await_handler(std::string_view handler,
                           std::chrono::nanoseconds timeout = std::chrono::seconds(30),
                           Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_contract(std::string_view handler, Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_discover(Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_statistics(Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_request_shutdown(Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_register_service(const InstanceId& instance, std::string_view endpoint,
                              Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_remove_service(const InstanceId& instance, Token&& token = Token()) const;
  /// Likewise.
  template <class Token = boost::asio::deferred_t>
  auto async_ensure_bidirectional_connection(Token&& token = Token()) const;

  /// Ends the connection in good order and forgets the peer. Calls under way end with
  /// connection_lost. Other peers at the same endpoint are not touched.
  void disconnect() const;

 private:
  friend class detail::CallNow;
  friend class detail::CallStart;
  friend class detail::MessageDraft;
  friend class detail::PingStart;
  friend class detail::SystemStart;
  friend class detail::TransportHealthStart;

  template <class Change>
  Peer changed(const Change& change) const {
    CallOptions options = options_;
    change(options);
    return with(std::move(options));
  }

  template <class T, class... Arguments>
  static T make(Arguments&&... build) {
    if constexpr (std::is_constructible_v<T, Arguments&&...>) {
      return T(std::forward<Arguments>(build)...);
    } else {
      return T{std::forward<Arguments>(build)...};
    }
  }

  Encoded empty_argument() const { return {options_.codec, {}}; }

  template <class T>
  Result<Encoded> encode_argument(const T& value) const {
    return detail::encode_argument(options_.codec, value);
  }

  static Result<void> without_value(const Result<Encoded>& outcome) {
    if (outcome.has_error()) return outcome.error();
    return {};
  }

  /// With the timeout of the question, if it has one.
  Peer patient_for(const detail::SystemQuestion& question) const;
  Result<Encoded> ask(const detail::SystemQuestion& question) const;
  Result<Encoded> invoke(std::string_view handler, DeliveryMode mode, Encoded&& argument) const;
  Result<MessageId> admit(std::string_view handler, Encoded&& argument) const;
  /// Copies them.
  Result<MessageId> admit_bytes(std::string_view handler, BytesView bytes) const;
  /// Sends, and leaves the waiting to the open call. WhenFull counts as for send(). An argument
  /// that could not be encoded is refused like any other.
  Result<detail::OpenCall> open(std::string_view handler, DeliveryMode mode,
                                Result<Encoded>&& argument, detail::CallDemand demand = {}) const;
  /// Never waits. `canceller`, if any, is set before `done` could be called.
  void start(std::string_view handler, DeliveryMode mode, Result<Encoded>&& argument,
             detail::CallCompletion&& done, detail::CallCanceller* canceller = nullptr) const;
  void start_asking(const detail::SystemQuestion& question, detail::CallCompletion&& done,
                    detail::CallCanceller* canceller = nullptr) const;
  void start_transport_health(std::chrono::nanoseconds timeout,
                              detail::TransportHealthCompletion done,
                              detail::CallCanceller* canceller = nullptr) const;
  void start_ping(detail::PingCompletion done, detail::CallCanceller* canceller = nullptr) const;

  std::shared_ptr<detail::PeerLink> link_;
  CallOptions options_;
};

}  // namespace trestle
