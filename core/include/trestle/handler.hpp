// Handlers: what a message names and a node runs. Made by am(), ack() and unary().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <trestle/batch.hpp>
#include <trestle/codec.hpp>
#include <trestle/context.hpp>
#include <trestle/contract.hpp>
#include <trestle/detail/batch_adapter.hpp>
#include <trestle/detail/handler_adapter.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/lane.hpp>
#include <trestle/type_name.hpp>

namespace trestle {

/// Where a handler runs.
enum class Execution : std::uint8_t {
  spawn,    ///< on the node's worker pool; it may block, and messages may overtake each other
  inline_,  ///< on whichever thread drives the node, maybe inside a blocking call; keep it short
};

/// Where, when, and how often at once a handler runs.
struct HandlerOptions {
  Execution execution = Execution::spawn;  ///< where it runs
  /// Runs at once; the rest waits in order. A run ends with its outcome, also if that comes later.
  /// 0: no limit. 1 runs messages in the order they came.
  std::size_t concurrency_max = 0;
  Lane lane{};           ///< which messages run one after the other; see Lane::per_sender()
  BatchOptions batch{};  ///< of handlers that take a Batch, which cannot be in lanes
};

/// A named handler. Threads: any; its function may run on several at once.
struct Handler {
  std::string name;                        ///< what messages name; unique at a node
  HandlerKind kind = HandlerKind::am;      ///< what it owes to its caller
  HandlerOptions options{};                ///< where and how often it runs
  detail::HandlerFunction function{};      ///< made by am(), ack() and unary()
  detail::BatchFunction batch_function{};  ///< instead of `function`, where it takes a Batch
  std::string request_type{};              ///< as in HandlerContract
  std::string response_type{};             ///< likewise
  detail::PayloadCheck check = nullptr;    ///< whether a payload can be decoded; null: any can

  /// What its node tells callers of it.
  HandlerContract contract() const { return {kind, request_type, response_type}; }
};

namespace detail {

template <Owes owes, class F>
Handler make_handler(std::string name, HandlerKind kind, F function, HandlerOptions options) {
  using Types = HandlerTypes<F>;
  Handler handler{std::move(name), kind, std::move(options)};
  if constexpr (TakesBatch<F>) {
    handler.batch_function = adapt_batch<owes>(std::move(function));
  } else {
    handler.function = adapt<owes>(std::move(function));
  }
  handler.request_type = type_name<typename Types::Request>();
  if constexpr (owes == Owes::reply) handler.response_type = type_name<typename Types::Response>();
  handler.check = payload_check<typename Types::Request>();
  return handler;
}

}  // namespace detail

/// A refusal for a handler to return: the caller gets exactly this text.
inline Error refuse(std::string text) {
  return Error(Errc::handler_failed, std::move(text), Ran::yes);
}

/// A handler of kind `am`. `function` takes any of: one payload, a `Context&`. A payload is
/// `BytesView` (valid during the run), `Payload`, `Encoded`, or a type that codec.hpp can decode.
/// It returns nothing or `Result<void>`. Handlers of all kinds may be coroutines, which return
/// boost::asio::awaitable of that: <trestle/coroutine.hpp>. Or it takes a `Batch` of payloads and
/// nothing else; what it returns holds for each message, and so does an exception, or it returns a
/// `std::vector` with one `Result<void>` for each.
template <class F>
Handler am(std::string name, F function, HandlerOptions options = {}) {
  return detail::make_handler<detail::Owes::nothing>(std::move(name), HandlerKind::am,
                                                     std::move(function), std::move(options));
}

/// A handler of kind `ack`: parameters as for am(); returns nothing or `Result<void>`.
template <class F>
Handler ack(std::string name, F function, HandlerOptions options = {}) {
  return detail::make_handler<detail::Owes::ack>(std::move(name), HandlerKind::ack,
                                                 std::move(function), std::move(options));
}

/// A handler of kind `unary`: parameters as for am(); returns `R` or `Result<R>`, where `R` is a
/// payload, a `WithHeaders` of one, or `void` for no reply: its callers expect `void`, too. Or it
/// takes a `Reply<R>` by value, returns nothing, and answers later from any thread. If it takes a
/// `Batch`, it returns a `std::vector` with one `R` or `Result<R>` for each message, or a Result of
/// that; another number of replies fails all of them.
template <class F>
Handler unary(std::string name, F function, HandlerOptions options = {}) {
  return detail::make_handler<detail::Owes::reply>(std::move(name), HandlerKind::unary,
                                                   std::move(function), std::move(options));
}

}  // namespace trestle
