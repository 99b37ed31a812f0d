// Runs a handler that is a coroutine: keeps what it refers to, cancels it, answers for it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <trestle/context.hpp>
#include <trestle/detail/handler_adapter.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/node.hpp>
#include <trestle/node_executor.hpp>
#include <trestle/payload.hpp>

namespace trestle::detail {

/// One run of such a handler. Lives until its coroutine is gone, whoever destroys that.
class CoroutineRun : public std::enable_shared_from_this<CoroutineRun> {
 public:
  explicit CoroutineRun(const Context& received) : context(received) {}
  CoroutineRun(const CoroutineRun&) = delete;
  CoroutineRun& operator=(const CoroutineRun&) = delete;
  ~CoroutineRun() { fail(Errc::no_reply, "was destroyed before it ended"); }

  void answer_through(std::unique_ptr<Responder> later) {
    responder = std::move(later);
    context.responder = responder.get();
  }

  /// From now on until end(), stopping the message's token cancels what the coroutine waits for.
  void begin(boost::asio::any_io_executor strand) {
    responder->started();
    const std::stop_token stop = responder->stop_token();
    if (stop.stop_possible()) stopper_.emplace(stop, Stop{weak_from_this(), std::move(strand)});
  }
  /// `answer(responder)` gives the outcome, unless there was one.
  template <class Answer>
  void end(Answer answer) {
    stopper_.reset();
    if (responder == nullptr) return;
    answer(*responder);
    responder.reset();
  }
  void fail(Errc code, const std::string& what) {
    end([&](Responder& last) {
      last.fail(Error(code, std::string(context.handler_name) + " " + what, Ran::yes));
    });
  }

  Context context;
  std::unique_ptr<Responder> responder;  // null once it was answered
  boost::asio::cancellation_signal signal;

 private:
  /// Signals are not for several threads: it is emitted where the coroutine runs.
  struct Stop {
    std::weak_ptr<CoroutineRun> run;
    boost::asio::any_io_executor strand;

    void operator()() const {
      boost::asio::post(strand, [weak = run] {
        if (const auto still = weak.lock()) {
          still->signal.emit(boost::asio::cancellation_type::terminal);
        }
      });
    }
  };

  std::optional<std::stop_callback<Stop>> stopper_;
};

/// The same with what the handler takes.
template <class F, class Input>
class TypedCoroutineRun final : public CoroutineRun {
 public:
  TypedCoroutineRun(std::shared_ptr<F> handler, const Context& received, Payload payload,
                    Input taken)
      : CoroutineRun(received),
        function_(std::move(handler)),
        payload_(std::move(payload)),
        input_(std::move(taken)) {}

  /// The handler's coroutine; what it was given lives in here.
  template <class... P>
  auto call(std::tuple<P...>*) {
    return (*function_)(argument<P>()...);
  }

 private:
  template <class P>
  decltype(auto) argument() {
    if constexpr (is_context<P>) {
      return (context);
    } else if constexpr (std::is_lvalue_reference_v<P>) {
      return (input_);
    } else {
      return std::move(input_);
    }
  }

  std::shared_ptr<F> function_;
  Payload payload_;  // what a view looks at
  Input input_;
};

template <Owes owes, class Parameters, class T, class Run>
boost::asio::awaitable<void> run_coroutine(std::shared_ptr<Run> run, std::type_identity<T>) {
  const boost::asio::any_io_executor strand = co_await boost::asio::this_coro::executor;
  try {
    run->begin(strand);
    auto handler = run->call(static_cast<Parameters*>(nullptr));
    if constexpr (std::is_void_v<T>) {
      co_await std::move(handler);
      run->end([&](Responder& last) { deliver<owes>(run->context.codec, last, [] {}); });
    } else {
      T value = co_await std::move(handler);
      run->end([&](Responder& last) {
        deliver<owes>(run->context.codec, last, [&]() -> T { return std::move(value); });
      });
    }
  } catch (const std::exception& e) {
    run->fail(Errc::handler_failed, std::string("threw: ") + e.what());
  } catch (...) {
    run->fail(Errc::handler_failed, "threw an exception of unknown type");
  }
}

template <class Awaitable>
struct AwaitableOf;
template <class T, class Executor>
struct AwaitableOf<boost::asio::awaitable<T, Executor>> {
  using Value = std::type_identity<T>;
  static_assert(std::is_same_v<Executor, boost::asio::any_io_executor>,
                "a handler returns boost::asio::awaitable<T> with its default executor");
};

template <Owes owes, class F>
struct CoroutineAdapter {
  using Shown = Signature<std::decay_t<F>>;
  using Parameters = typename Shown::Parameters;
  using Form = Shape<Parameters>;
  using Value = typename AwaitableOf<typename Shown::Result>::Value;
  using Input = std::conditional_t<std::is_void_v<typename Form::PayloadType>, NoPayload,
                                   typename Form::PayloadType>;
  static_assert(std::is_copy_constructible_v<F>,
                "a handler must be copyable: hold what is move-only in a std::shared_ptr");
  static_assert(Form::payloads <= 1, "a handler takes at most one payload");
  static_assert(Form::context_by_reference, "a handler takes its Context by reference");
  static_assert(Form::replies == 0, "a coroutine answers with co_return: it takes no Reply");

  static HandlerFunction adapt(F function) {
    auto shared = std::make_shared<F>(std::move(function));
    return [shared = std::move(shared)](Context& context, Payload& payload, Responder& responder) {
      if constexpr (std::is_same_v<Input, BytesView>) {
        if (payload.is_borrowed()) payload = Payload::copy(payload.view());
      }
      auto input = read_input(context, payload);
      if (input.has_error()) {
        return responder.fail(Error(Errc::undecodable,
                                    "Failed to deserialize input: " + input.error().text, Ran::no));
      }
      Payload kept;
      if constexpr (std::is_same_v<Input, BytesView>) kept = std::move(payload);
      spawn(std::make_shared<TypedCoroutineRun<F, Input>>(shared, context, std::move(kept),
                                                          std::move(*input)),
            responder);
    };
  }

 private:
  static trestle::Result<Input> read_input(const Context& context, Payload& payload) {
    if constexpr (std::is_same_v<Input, NoPayload>) {
      return NoPayload();
    } else {
      return read_payload<Input>(context, payload);
    }
  }

  template <class Run>
  static void spawn(std::shared_ptr<Run> run, Responder& responder) {
    run->answer_through(responder.detach());
    const boost::asio::any_io_executor strand =
        boost::asio::make_strand(run->context.node.executor());
    auto slot = run->signal.slot();
    // The signal must outlast the coroutine, which the completion handler does.
    boost::asio::co_spawn(strand, run_coroutine<owes, Parameters>(run, Value()),
                          boost::asio::bind_cancellation_slot(slot, [run](std::exception_ptr) {}));
  }
};

}  // namespace trestle::detail
