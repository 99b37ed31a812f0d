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
// g++ 12 frees twice what the braces of `co_await f(Request{"x"})` or a capturing lambda in such a
// place own, whatever the function. Write `in_place<Request>, "x"` there, or name the object first;
// see docs/coroutines.md.
#pragma once

#include <boost/asio/deferred.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <trestle/detail/async_operation.hpp>
#include <trestle/detail/pending_connect.hpp>
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

class ListStart {
 public:
  using Outcome = Result<Encoded>;
  using Canceller = CallCanceller;

  explicit ListStart(Peer peer) : peer_(std::move(peer)) {}
  void operator()(CallCompletion&& done, CallCanceller* canceller) {
    peer_.start_list(std::move(done), canceller);
  }

 private:
  Peer peer_;
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

class ConnectStart {
 public:
  using Outcome = Result<Peer>;
  using Canceller = ConnectCanceller;

  ConnectStart(std::shared_ptr<NodeCore> core, std::string_view uri, ConnectOptions options)
      : core_(std::move(core)), uri_(uri), options_(std::move(options)) {}
  void operator()(ConnectCompletion done, ConnectCanceller* canceller) {
    start_connect(core_, uri_, options_, std::move(done), canceller);
  }

 private:
  std::shared_ptr<NodeCore> core_;
  std::string uri_;
  ConnectOptions options_;
};

template <class R>
struct ReadReply {
  Result<R> operator()(Result<Encoded>&& reply) const { return read_reply<R>(std::move(reply)); }
};

struct DropReply {
  Result<void> operator()(const Result<Encoded>& outcome) const {
    if (outcome.has_error()) return outcome.error();
    return {};
  }
};

struct AsItIs {
  template <class T>
  Result<T> operator()(Result<T>&& outcome) const {
    return std::move(outcome);
  }
};

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

template <class R>
auto Peer::async_call(std::string_view handler) const {
  return async_call<R>(handler, empty_argument());
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
  return detail::initiate_call<detail::DropReply>(*this, handler, DeliveryMode::confirmed,
                                                  Encoded{Codec::bytes, std::move(bytes)},
                                                  std::forward<Token>(token));
}

inline auto Peer::async_confirm(std::string_view handler) const {
  return detail::initiate_call<detail::DropReply>(*this, handler, DeliveryMode::confirmed,
                                                  empty_argument(), boost::asio::deferred);
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
  return detail::initiate<detail::ReadReply<std::vector<std::string>>>(detail::ListStart(*this),
                                                                       std::forward<Token>(token));
}

template <class Token>
auto Node::async_connect(std::string_view uri, ConnectOptions options, Token&& token) {
  return detail::initiate<detail::AsItIs>(detail::ConnectStart(core_, uri, std::move(options)),
                                          std::forward<Token>(token));
}

}  // namespace trestle
