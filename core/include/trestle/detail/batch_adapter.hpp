// Erases the types of a batched handler: decodes each message, hands out each outcome.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <trestle/batch.hpp>
#include <trestle/context.hpp>
#include <trestle/detail/handler_adapter.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/payload.hpp>

namespace trestle::detail {

/// One message of a run. The payload may be moved from.
struct BatchedMessage {
  Context context;
  Payload* payload;
  Responder* responder;
};

/// A batched handler with its types erased. Every responder is spent afterwards, unless it throws.
using BatchFunction = std::function<void(std::span<BatchedMessage>)>;

template <class T>
struct IsBatch : std::false_type {};
template <class T>
struct IsBatch<Batch<T>> : std::true_type {
  using Value = T;
};

template <class Parameters>
inline constexpr bool has_batch = false;
template <class... P>
inline constexpr bool has_batch<std::tuple<P...>> = (false || ... ||
                                                     IsBatch<std::decay_t<P>>::value);

/// A handler whose function takes a Batch.
template <class F>
concept TakesBatch = Inspectable<F> && has_batch<typename Signature<std::decay_t<F>>::Parameters>;

template <class T>
struct IsVector : std::false_type {};
template <class T, class Allocator>
struct IsVector<std::vector<T, Allocator>> : std::true_type {
  using Value = T;
};

/// What a batched handler returns for one message; `void` if nothing.
template <class Returned>
struct ReplyOfOne {
  using Type = void;
};
template <class T, class Allocator>
struct ReplyOfOne<std::vector<T, Allocator>> {
  using Type = T;
};

template <class Parameters>
struct BatchParameter {
  static constexpr bool is_alone = false;
  using Type = void;
};
template <class P>
struct BatchParameter<std::tuple<P>> {
  static constexpr bool is_alone = true;
  using Type = typename IsBatch<std::decay_t<P>>::Value;
};

template <TakesBatch F>
struct HandlerTypes<F> {
  using Shown = Signature<std::decay_t<F>>;
  using Request = typename BatchParameter<typename Shown::Parameters>::Type;
  using Returned = typename IsResult<typename Shown::Result>::Value;
  using Response = typename IsResult<typename ReplyOfOne<Returned>::Type>::Value;
};

/// The messages of a run that could be read, and whom to answer for each.
template <class T>
struct ReadBatch {
  std::vector<Batched<T>> messages;
  std::vector<BatchedMessage*> sources;
};

template <class T>
ReadBatch<T> read_batch(std::span<BatchedMessage> came) {
  ReadBatch<T> read;
  read.messages.reserve(came.size());
  read.sources.reserve(came.size());
  const auto take = [&read](BatchedMessage& one, T value) {
    const Context& context = one.context;
    read.messages.push_back({std::move(value), context.sender, context.message_id, context.mode,
                             context.deadline, context.headers});
    read.sources.push_back(&one);
  };
  for (BatchedMessage& one : came) {
    auto value = read_payload<T>(one.context, *one.payload);
    if constexpr (is_unread<T>) {
      take(one, std::move(value));
    } else if (value.has_value()) {
      take(one, std::move(*value));
    } else {
      one.responder->fail(
          Error(Errc::undecodable, "Failed to deserialize input: " + value.error().text, Ran::no));
    }
  }
  return read;
}

inline void fail_each(const std::vector<BatchedMessage*>& sources, const Error& error) {
  for (BatchedMessage* one : sources) one->responder->fail(error);
}

/// Gives each message its own of `replies`.
template <Owes owes, class Replies>
void deliver_each(const std::vector<BatchedMessage*>& sources, Replies replies) {
  using Value = typename ReplyOfOne<Replies>::Type;
  if (replies.size() != sources.size()) {
    const std::string_view name = sources.front()->context.handler_name;
    return fail_each(sources,
                     Error(Errc::handler_failed,
                           std::string(name) + " gave " + std::to_string(replies.size()) +
                               " replies for a batch of " + std::to_string(sources.size()) +
                               " messages: there must be one for each",
                           Ran::yes));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    deliver<owes>(sources[i]->context.codec, *sources[i]->responder,
                  [&]() -> Value { return Value(std::move(replies[i])); });
  }
}

/// Gives each message its outcome of `run`: one for all, or a list with one for each.
template <Owes owes, class Run>
void deliver_batch(const std::vector<BatchedMessage*>& sources, Run&& run) {
  using Returned = std::invoke_result_t<Run>;
  using Value = typename IsResult<Returned>::Value;
  static_assert(std::is_void_v<Value> || IsVector<Value>::value,
                "a batched handler returns nothing, or a std::vector with one reply for each "
                "message, or a Result of these");
  static_assert(owes != Owes::reply || IsVector<Value>::value,
                "a unary handler of batches returns a std::vector with one reply for each message");
  if constexpr (std::is_void_v<Returned>) {
    run();
    for (BatchedMessage* one : sources) one->responder->ack();
  } else if constexpr (IsResult<Returned>::value) {
    Returned result = run();
    if (result.has_error()) {
      Error error = std::move(result).error();
      error.ran = Ran::yes;  // whatever it says of a call that the handler made itself
      return fail_each(sources, error);
    }
    if constexpr (std::is_void_v<Value>) {
      for (BatchedMessage* one : sources) one->responder->ack();
    } else {
      deliver_each<owes>(sources, std::move(*result));
    }
  } else {
    deliver_each<owes>(sources, run());
  }
}

template <Owes owes, TakesBatch F>
BatchFunction adapt_batch(F function) {
  using Shown = Signature<std::decay_t<F>>;
  using Parameter = BatchParameter<typename Shown::Parameters>;
  static_assert(Parameter::is_alone,
                "a handler that takes a Batch takes nothing else: each message brings its context");
  static_assert(!IsCoroutine<typename Shown::Result>::value,
                "a handler that takes a Batch cannot be a coroutine");
  static_assert(std::is_copy_constructible_v<F>,
                "a handler must be copyable: hold what is move-only in a std::shared_ptr");
  using T = typename Parameter::Type;
  return [function = std::move(function)](std::span<BatchedMessage> came) mutable {
    ReadBatch<T> read = read_batch<T>(came);
    if (read.messages.empty()) return;
    for (BatchedMessage* one : read.sources) one->responder->started();
    Batch<T> batch(came.front().context.node, std::move(read.messages));
    deliver_batch<owes>(read.sources, [&]() -> decltype(auto) {
      if constexpr (std::is_lvalue_reference_v<
                        std::tuple_element_t<0, typename Shown::Parameters>>) {
        return function(batch);
      } else {
        return function(std::move(batch));
      }
    });
  };
}

}  // namespace trestle::detail
