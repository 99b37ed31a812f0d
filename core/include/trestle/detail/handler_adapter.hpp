// Erases the types of a handler: decodes what it takes, encodes what it returns.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include <trestle/codec.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/detail/write_reply.hpp>
#include <trestle/reply.hpp>

namespace boost::asio {
template <class T, class Executor>
class awaitable;
}

namespace trestle::detail {

/// What the kind of a handler promises to the caller.
enum class Owes { nothing, ack, reply };

// ---- The shape of a callable --------------------------------------------------------------------

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<P...>;
};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R (*)(P...)> {};

template <class T>
struct IsReply : std::false_type {};
template <class R>
struct IsReply<Reply<R>> : std::true_type {
  using Value = R;
};

template <class T>
struct IsResult : std::false_type {
  using Value = T;
};
template <class T>
struct IsResult<trestle::Result<T>> : std::true_type {
  using Value = T;
};

template <class T>
struct IsCoroutine : std::false_type {
  using Value = T;
};
template <class T, class Executor>
struct IsCoroutine<boost::asio::awaitable<T, Executor>> : std::true_type {
  using Value = T;
};

template <class T>
inline constexpr bool is_context = std::is_same_v<std::decay_t<T>, Context>;
template <class T>
inline constexpr bool is_payload = !is_context<T> && !IsReply<std::decay_t<T>>::value;

/// The type that carries the payload in a parameter list; `void` if none does.
template <class... P>
struct PayloadParameter {
  using Type = void;
};
template <class First, class... Rest>
struct PayloadParameter<First, Rest...> {
  using Type = std::conditional_t<is_payload<First>, std::decay_t<First>,
                                  typename PayloadParameter<Rest...>::Type>;
};

/// The type that a Reply parameter takes; `void` if there is none.
template <class... P>
struct ReplyParameter {
  using Type = void;
};
template <class First, class... Rest>
struct ReplyParameter<First, Rest...> : ReplyParameter<Rest...> {};
template <class R, class... Rest>
struct ReplyParameter<Reply<R>, Rest...> {
  using Type = R;
};

template <class Parameters>
struct Shape;
template <class... P>
struct Shape<std::tuple<P...>> {
  static constexpr int payloads = (0 + ... + int{is_payload<P>});
  static constexpr int replies = (0 + ... + int{IsReply<std::decay_t<P>>::value});
  static constexpr bool answers_later = replies != 0;
  static constexpr bool context_by_reference =
      (true && ... && (!is_context<P> || std::is_lvalue_reference_v<P>));
  using PayloadType = typename PayloadParameter<P...>::Type;
  using ReplyType = typename ReplyParameter<std::decay_t<P>...>::Type;
};

/// What a handler of type `F` takes and gives, as contracts name it.
template <class F>
struct HandlerTypes {
  using Form = Shape<typename Signature<std::decay_t<F>>::Parameters>;
  using Request = typename Form::PayloadType;
  using Ended = typename IsCoroutine<typename Signature<std::decay_t<F>>::Result>::Value;
  using Returned = typename IsResult<Ended>::Value;
  using Response = std::conditional_t<Form::answers_later, typename Form::ReplyType, Returned>;
};

// ---- Payload in ---------------------------------------------------------------------------------

/// What stands in for the payload of a handler that takes none.
struct NoPayload {};

/// Passed through as it is: reading it cannot fail, so it needs no Result.
template <class T>
inline constexpr bool is_unread =
    std::is_same_v<T, BytesView> || std::is_same_v<T, Payload> || std::is_same_v<T, Encoded>;

template <class T>
using Read = std::conditional_t<is_unread<T>, T, trestle::Result<T>>;

template <class T>
Read<T> read_payload(const Context& context, Payload& payload) {
  if constexpr (std::is_same_v<T, BytesView>) {
    return payload.view();
  } else if constexpr (std::is_same_v<T, Payload>) {
    // An inline handler sees a view; what it keeps must be a copy.
    return payload.is_borrowed() ? Payload::copy(payload.view()) : std::move(payload);
  } else if constexpr (std::is_same_v<T, Encoded>) {
    return Encoded{context.codec,
                   payload.is_borrowed() ? Payload::copy(payload.view()) : std::move(payload),
                   context.headers};
  } else {
    return decode<T>(context.codec, payload.view());
  }
}

/// For modes with a receipt, which tell beforehand.
template <class T>
PayloadCheck payload_check() {
  if constexpr (std::is_void_v<T> || is_unread<T>) {
    return nullptr;
  } else {
    return [](Codec codec, BytesView payload) -> trestle::Result<void> {
      auto value = decode<T>(codec, payload);
      if (value.has_error()) return std::move(value).error();
      return {};
    };
  }
}

// ---- Result out ---------------------------------------------------------------------------------

/// Gives `responder` the outcome of `run`, whose result may be void, a value or a Result of one.
template <Owes owes, class Run>
void deliver(Codec codec, Responder& responder, Run&& run) {
  using Returned = std::invoke_result_t<Run>;
  using Value = typename IsResult<Returned>::Value;
  static_assert(owes == Owes::reply || std::is_void_v<Value>,
                "am and ack handlers return nothing or Result<void>; use unary for a reply");
  if constexpr (std::is_void_v<Returned>) {
    run();
    responder.ack();
  } else if constexpr (IsResult<Returned>::value) {
    Returned result = run();
    if (result.has_error()) {
      Error error = std::move(result).error();
      error.ran = Ran::yes;  // whatever it says of a call that the handler made itself
      return responder.fail(std::move(error));
    }
    if constexpr (!std::is_void_v<Value>) {
      deliver<owes>(codec, responder, [&]() -> Value { return std::move(*result); });
    } else {
      responder.ack();
    }
  } else if constexpr (std::is_same_v<Value, Payload>) {
    responder.reply({Codec::bytes, run()});
  } else {
    auto reply = write_reply(codec, Value(run()));
    if (reply.has_error()) {
      responder.fail(Error(Errc::handler_failed, reply.error().text, Ran::yes));
    } else {
      responder.reply(std::move(*reply));
    }
  }
}

// ---- Putting it together ------------------------------------------------------------------------

/// Turns one parameter of the handler into its argument.
template <class P, class Input>
decltype(auto) argument(Context& context, Input& input, Responder& responder) {
  using T = std::decay_t<P>;
  if constexpr (is_context<P>) {
    return (context);
  } else if constexpr (IsReply<T>::value) {
    return T(responder.detach(), context.codec);
  } else if constexpr (std::is_lvalue_reference_v<P>) {
    return (input);
  } else {
    return std::move(input);
  }
}

template <Owes owes, class F, class... P, class Input>
void invoke(F& function, std::tuple<P...>*, Context& context, Input& input, Responder& responder) {
  auto run = [&]() -> decltype(auto) {
    return function(argument<P>(context, input, responder)...);
  };
  if constexpr (Shape<std::tuple<P...>>::answers_later) {
    static_assert(std::is_void_v<std::invoke_result_t<decltype(run)>>,
                  "a handler that takes a Reply answers through it and returns nothing");
    run();
  } else {
    deliver<owes>(context.codec, responder, run);
  }
}

/// What the adapter can look at: a function, or an object with exactly one call operator.
template <class F>
concept Inspectable = std::is_pointer_v<F> || requires {
  &F::operator();
};

template <Owes owes, class F>
HandlerFunction adapt(F function) {
  static_assert(
      Inspectable<F>,
      "a handler is a function or a lambda whose parameter types are written out: no auto "
      "parameters, no std::bind, no overloaded call operator");
  static_assert(std::is_copy_constructible_v<F>,
                "a handler must be copyable: hold what is move-only in a std::shared_ptr");
  using Parameters = typename Signature<std::decay_t<F>>::Parameters;
  using Form = Shape<Parameters>;
  static_assert(Form::payloads <= 1, "a handler takes at most one payload");
  static_assert(Form::replies <= 1, "a handler takes at most one Reply");
  static_assert(Form::context_by_reference, "a handler takes its Context by reference");
  static_assert(owes == Owes::reply || !Form::answers_later, "only unary handlers take a Reply");
  using Input = typename Form::PayloadType;

  return [function = std::move(function)](Context& context, Payload& payload,
                                          Responder& responder) mutable {
    auto* parameters = static_cast<Parameters*>(nullptr);
    if constexpr (std::is_void_v<Input>) {
      NoPayload none;
      responder.started();
      invoke<owes>(function, parameters, context, none, responder);
    } else if constexpr (is_unread<Input>) {
      Input input = read_payload<Input>(context, payload);
      responder.started();
      invoke<owes>(function, parameters, context, input, responder);
    } else {
      auto input = read_payload<Input>(context, payload);
      if (input.has_error()) {
        responder.fail(Error(Errc::undecodable,
                             "Failed to deserialize input: " + input.error().text, Ran::no));
        return;
      }
      responder.started();
      invoke<owes>(function, parameters, context, *input, responder);
    }
  };
}

// ---- Coroutines ---------------------------------------------------------------------------------

/// Runs handlers that are coroutines. <trestle/coroutine.hpp> says how.
template <Owes owes, class F>
struct CoroutineAdapter;

template <class F>
concept Coroutine =
    Inspectable<F> && IsCoroutine<typename Signature<std::decay_t<F>>::Result>::value;

template <Owes owes, Coroutine F>
HandlerFunction adapt(F function) {
  static_assert(
      requires { sizeof(CoroutineAdapter<owes, F>); },
      "a handler that is a coroutine needs #include <trestle/coroutine.hpp>");
  return CoroutineAdapter<owes, F>::adapt(std::move(function));
}

}  // namespace trestle::detail
