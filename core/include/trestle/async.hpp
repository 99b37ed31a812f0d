// Calls whose outcome goes to an Asio completion token.
//
// Every asynchronous function takes any token for `void(Result<R>)`; the default is
// boost::asio::deferred, which `co_await` takes as it is:
//
//   peer.async_call<int>("add", numbers, [](Result<int> sum) { ... });      a function
//   std::future<Result<int>> sum = peer.async_call<int>("add", numbers, boost::asio::use_future);
//   Result<int> sum = co_await peer.async_call<int>("add", numbers);        in a coroutine
//
// Executors: a handler that has one (bind_executor, a coroutine's) is posted to it, never run
// inside the node's turn; the reply is decoded there; the executor has work until then. One that
// has none runs in place, on whichever thread drives the node, and so is a future made ready.
// Cancel: `terminal` and `partial` end the call as cancelled, and tell the peer if it may have got
// the message; `total` only does while the message has not left. A handler's slot is emptied where
// the handler runs, so emit signals there, too: bind an executor with the slot.
// Lifetime: a token may be started later; the argument is encoded at once and refers to nothing.
//
// g++ 12 frees twice what braces or captures own in one expression with a co_await, whatever the
// function: `co_await f(Request{"x"})`, `co_await peer.with({.stop = token}).async_ping()`,
// `Answer{co_await f()}`. Write `in_place<Request>, "x"` and `peer.with_stop(token)`, or name the
// object first; see docs/coroutines.md.
#pragma once

#include <boost/asio/deferred.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <trestle/detail/async_operation.hpp>
#include <trestle/detail/node_operations.hpp>
#include <trestle/detail/system_question.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>

namespace trestle {
/// @cond
namespace detail {

/// A message to send once a completion handler is there.
class CallStart {
 public:
  using Outcome = Result<Encoded>;
  using Canceller = CallCanceller;

  CallStart(Peer peer, std::string_view handler, DeliveryMode mode, Result<Encoded>&& argument)
      : peer_(std::move(peer)), handler_(handler), mode_(mode), argument_(std::move(argument)) {}
  /// A copy is a call of its own. Asio wants it possible, and uses it for `const` operations.
  CallStart(const CallStart& other)
      : peer_(other.peer_),
        handler_(other.handler_),
        mode_(other.mode_),
        argument_(copy(other.argument_)) {}
  CallStart(CallStart&&) = default;

  void operator()(CallCompletion&& done, CallCanceller* canceller) {
    peer_.start(handler_, mode_, std::move(argument_), std::move(done), canceller);
  }

 private:
  static Result<Encoded> copy(const Result<Encoded>& argument) {
    if (argument.has_error()) return argument.error();
    return Encoded{argument->codec, Payload::copy(argument->payload.view()), argument->headers};
  }

  Peer peer_;
  std::string handler_;
  DeliveryMode mode_;
  Result<Encoded> argument_;
};

/// The same for one that is there: nothing is copied, and the argument stays where it is.
class CallNow {
 public:
  using Outcome = Result<Encoded>;
  using Canceller = CallCanceller;

  CallNow(const Peer& peer, std::string_view handler, DeliveryMode mode, Result<Encoded>&& argument)
      : peer_(peer), handler_(handler), mode_(mode), argument_(std::move(argument)) {}
  void operator()(CallCompletion&& done, CallCanceller* canceller) {
    peer_.start(handler_, mode_, std::move(argument_), std::move(done), canceller);
  }

 private:
  const Peer& peer_;
  std::string_view handler_;
  DeliveryMode mode_;
  Result<Encoded>&& argument_;
};

class SystemStart {
 public:
  using Outcome = Result<Encoded>;
  using Canceller = CallCanceller;

  SystemStart(Peer peer, SystemQuestion&& question)
      : peer_(std::move(peer)), question_(std::move(question)) {}
  void operator()(CallCompletion&& done, CallCanceller* canceller) {
    peer_.start_asking(question_, std::move(done), canceller);
  }

 private:
  Peer peer_;
  SystemQuestion question_;
};

class PingStart {
 public:
  using Outcome = Result<std::chrono::nanoseconds>;
  using Canceller = CallCanceller;

  explicit PingStart(Peer peer) : peer_(std::move(peer)) {}
  void operator()(PingCompletion done, CallCanceller* canceller) {
    peer_.start_ping(std::move(done), canceller);
  }

 private:
  Peer peer_;
};

class TransportHealthStart {
 public:
  using Outcome = TransportHealth;
  using Canceller = CallCanceller;

  TransportHealthStart(Peer peer, std::chrono::nanoseconds timeout)
      : peer_(std::move(peer)), timeout_(timeout) {}
  void operator()(TransportHealthCompletion done, CallCanceller* canceller) {
    peer_.start_transport_health(timeout_, std::move(done), canceller);
  }

 private:
  Peer peer_;
  std::chrono::nanoseconds timeout_;
};

/// An operation of a node, which `Start` begins: `start(done, canceller)`.
template <class T, class Start>
class NodeStart {
 public:
  using Outcome = T;
  using Canceller = CallCanceller;

  explicit NodeStart(Start&& start) : start_(std::move(start)) {}
  void operator()(UniqueFunction<void(T)> done, CallCanceller* canceller) {
    start_(std::move(done), canceller);
  }

 private:
  Start start_;
};

template <class R>
struct ReadReply {
  Result<R> operator()(Result<Encoded>&& reply) const { return read_reply<R>(std::move(reply)); }
};

struct AsItIs {
  template <class T>
  T operator()(T&& outcome) const {
    return std::move(outcome);
  }
};

struct DropTime {
  Result<void> operator()(const Result<std::chrono::nanoseconds>& pong) const {
    if (pong.has_error()) return pong.error();
    return {};
  }
};

template <class T, class Start, class Token>
auto initiate_on_node(Start&& start, Token&& token) {
  return initiate<AsItIs>(NodeStart<T, Start>(std::move(start)), std::forward<Token>(token));
}

template <class Read, class Token>
auto initiate_question(const Peer& peer, SystemQuestion&& question, Token&& token) {
  return initiate<Read>(SystemStart(peer, std::move(question)), std::forward<Token>(token));
}

/// Says what to do about a type that is neither a value to send nor a token.
template <class Token, class Outcome>
constexpr void check_token() {
  if constexpr (!boost::asio::completion_token_for<Token, void(Outcome)>) {
    TRESTLE_DETAIL_UNSUPPORTED(Token);
  }
}

template <class Decode, class Token>
auto initiate_call(const Peer& peer, std::string_view handler, DeliveryMode mode,
                   Result<Encoded>&& argument, Token&& token) {
  using Signature = typename AsyncOperation<Decode, CallStart>::Signature;
  if constexpr (PlainCallback<Token, Signature>) {
    return initiate<Decode>(CallNow(peer, handler, mode, std::move(argument)),
                            std::forward<Token>(token));
  } else {
    return initiate<Decode>(CallStart(peer, handler, mode, std::move(argument)),
                            std::forward<Token>(token));
  }
}

}  // namespace detail
/// @endcond

template <class R, detail::ArgumentValue T, class Token>
auto Peer::async_call(std::string_view handler, const T& value, Token&& token) const {
  return detail::initiate_call<detail::ReadReply<R>>(*this, handler, DeliveryMode::with_response,
                                                     encode_argument(value),
                                                     std::forward<Token>(token));
}

template <class R, class Token>
auto Peer::async_call(std::string_view handler, Payload&& bytes, Token&& token) const {
  return async_call<R>(handler, Encoded{Codec::bytes, std::move(bytes)},
                       std::forward<Token>(token));
}

template <class R, class Token>
auto Peer::async_call(std::string_view handler, Encoded&& argument, Token&& token) const {
  return detail::initiate_call<detail::ReadReply<R>>(
      *this, handler, DeliveryMode::with_response, std::move(argument), std::forward<Token>(token));
}

template <class R, class Token>
requires detail::TokenAlone<std::remove_cvref_t<Token>>
auto Peer::async_call(std::string_view handler, Token&& token) const {
  detail::check_token<std::remove_cvref_t<Token>, Result<R>>();
  return async_call<R>(handler, empty_argument(), std::forward<Token>(token));
}

template <class R, detail::ArgumentAlone T>
auto Peer::async_call(std::string_view handler, const T& value) const {
  return async_call<R>(handler, value, boost::asio::deferred);
}

template <class R, class T, class... Arguments>
auto Peer::async_call(std::string_view handler, std::in_place_type_t<T>,
                      Arguments&&... build) const {
  const T value = make<T>(std::forward<Arguments>(build)...);
  return async_call<R>(handler, value);
}

template <detail::ArgumentValue T, class Token>
auto Peer::async_confirm(std::string_view handler, const T& value, Token&& token) const {
  return detail::initiate_call<detail::DropReply>(
      *this, handler, DeliveryMode::confirmed, encode_argument(value), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_confirm(std::string_view handler, Payload&& bytes, Token&& token) const {
  return async_confirm(handler, Encoded{Codec::bytes, std::move(bytes)},
                       std::forward<Token>(token));
}

template <class Token>
auto Peer::async_confirm(std::string_view handler, Encoded&& argument, Token&& token) const {
  return detail::initiate_call<detail::DropReply>(*this, handler, DeliveryMode::confirmed,
                                                  std::move(argument), std::forward<Token>(token));
}

template <class Token>
requires detail::TokenAlone<std::remove_cvref_t<Token>>
auto Peer::async_confirm(std::string_view handler, Token&& token) const {
  detail::check_token<std::remove_cvref_t<Token>, Result<void>>();
  return async_confirm(handler, empty_argument(), std::forward<Token>(token));
}

template <detail::ArgumentAlone T>
auto Peer::async_confirm(std::string_view handler, const T& value) const {
  return async_confirm(handler, value, boost::asio::deferred);
}

template <class T, class... Arguments>
auto Peer::async_confirm(std::string_view handler, std::in_place_type_t<T>,
                         Arguments&&... build) const {
  const T value = make<T>(std::forward<Arguments>(build)...);
  return async_confirm(handler, value);
}

template <class Token>
auto Peer::async_ping(Token&& token) const {
  return detail::initiate<detail::AsItIs>(detail::PingStart(*this), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_list_handlers(Token&& token) const {
  return detail::initiate_question<detail::ReadHandlers>(
      *this, detail::SystemQuestion::for_handlers(), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_health_check(Token&& token) const {
  return detail::initiate_question<detail::ReadHealth>(*this, detail::SystemQuestion::for_health(),
                                                       std::forward<Token>(token));
}

template <class Token>
auto Peer::async_transport_health(std::chrono::nanoseconds timeout, Token&& token) const {
  return detail::initiate<detail::AsItIs>(detail::TransportHealthStart(*this, timeout),
                                          std::forward<Token>(token));
}

template <class Token>
auto Peer::async_await_handler(std::string_view handler, std::chrono::nanoseconds timeout,
                               Token&& token) const {
  return detail::initiate_question<detail::ReadArrival>(
      *this, detail::SystemQuestion::for_arrival(handler, timeout), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_contract(std::string_view handler, Token&& token) const {
  return detail::initiate_question<detail::ReadContract>(
      *this, detail::SystemQuestion::for_contract(handler), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_discover(Token&& token) const {
  return detail::initiate_question<detail::ReadIdentity>(
      *this, detail::SystemQuestion::for_identity(), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_statistics(Token&& token) const {
  return detail::initiate_question<detail::ReadStatistics>(
      *this, detail::SystemQuestion::for_statistics(), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_request_shutdown(Token&& token) const {
  return detail::initiate_question<detail::DropReply>(*this, detail::SystemQuestion::for_shutdown(),
                                                      std::forward<Token>(token));
}

template <class Token>
auto Peer::async_register_service(const InstanceId& instance, std::string_view endpoint,
                                  Token&& token) const {
  return detail::initiate_question<detail::DropReply>(
      *this, detail::SystemQuestion::for_service(instance, endpoint), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_remove_service(const InstanceId& instance, Token&& token) const {
  return detail::initiate_question<detail::ReadRemoval>(
      *this, detail::SystemQuestion::for_removal(instance), std::forward<Token>(token));
}

template <class Token>
auto Peer::async_ensure_bidirectional_connection(Token&& token) const {
  return detail::initiate<detail::DropTime>(detail::PingStart(*this), std::forward<Token>(token));
}

// ---- Of nodes ----

template <class Token>
auto Node::async_connect(std::string_view uri, ConnectOptions options, Token&& token) {
  return detail::initiate_on_node<Result<Peer>>(
      [core = core_, to = std::string(uri), options](auto done, auto* canceller) {
        detail::start_connect(core, to, options, std::move(done), canceller);
      },
      std::forward<Token>(token));
}

template <class Token>
auto Node::async_connect(const PeerInfo& peer, ConnectOptions options, Token&& token) {
  return detail::initiate_on_node<Result<Peer>>(
      [core = core_, peer, options](auto done, auto* canceller) {
        detail::start_connect(core, peer, options, std::move(done), canceller);
      },
      std::forward<Token>(token));
}

template <class Token>
auto Node::async_discover(std::string_view uri, ConnectOptions options, Token&& token) {
  return detail::initiate_on_node<Result<PeerInfo>>(
      [core = core_, at = std::string(uri), options](auto done, auto* canceller) {
        detail::start_discovery(core, at, options, std::move(done), canceller);
      },
      std::forward<Token>(token));
}

template <class Token>
auto Node::async_discover_any(const WorkerAddress& address, ConnectOptions options, Token&& token) {
  // Whatever is passed is copied: a token may be started later.
  return detail::initiate_on_node<Result<PeerInfo>>(
      [core = core_, address, options](auto done, auto* canceller) {
        detail::start_discovery(core, address, options, std::move(done), canceller);
      },
      std::forward<Token>(token));
}

template <class T, class Token>
auto Node::async_broadcast(std::string_view handler, const T& value, const CallOptions& options,
                           Token&& token) const {
  return detail::initiate_on_node<std::vector<PeerOutcome>>(
      [core = core_, name = std::string(handler), options,
       argument = std::make_shared<const Result<Encoded>>(
           detail::encode_argument(options.codec, value))](auto done, auto* canceller) {
        detail::start_broadcast(core, name, argument, options, std::move(done), canceller);
      },
      std::forward<Token>(token));
}

template <class Token>
auto Node::async_close(Token&& token) {
  return detail::initiate_on_node<Result<void>>(
      [core = core_](auto done, auto*) { detail::start_close(core, std::move(done)); },
      std::forward<Token>(token));
}

}  // namespace trestle
