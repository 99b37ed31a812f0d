// What Asio's completion tokens need of an operation: executors, allocators, cancellation slots.
#pragma once

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include <trestle/detail/open_call.hpp>

namespace trestle::detail {

// ---- What a completion handler brings along -----------------------------------------------------

/// Stands for "the handler has no executor": it runs on whichever thread has the outcome.
struct NoExecutor {
  template <class F>
  void execute(F&& function) const {
    std::forward<F>(function)();
  }
  friend bool operator==(const NoExecutor&, const NoExecutor&) noexcept { return true; }
};

/// Stands for "nobody cancels".
struct NoSlot {};

template <class Handler>
using ExecutorOf = typename boost::asio::associated_executor<Handler, NoExecutor>::type;
template <class Handler>
using SlotOf = typename boost::asio::associated_cancellation_slot<Handler, NoSlot>::type;

/// A future's: it is made ready where the outcome is, rather than by a thread of Asio's own pool.
template <class Executor>
struct SetsFuture : std::false_type {};
template <class Executor>
requires requires(const Executor& executor) {
  {
    boost::asio::query(executor, boost::asio::execution::context)
    } -> std::same_as<boost::asio::system_context&>;
}
struct SetsFuture<Executor> : std::true_type {};
template <class... Properties>
struct SetsFuture<boost::asio::basic_system_executor<Properties...>> : std::false_type {};

template <class Handler>
inline constexpr bool runs_in_place =
    std::is_same_v<ExecutorOf<Handler>, NoExecutor> || SetsFuture<ExecutorOf<Handler>>::value;

template <class Handler>
inline constexpr bool is_cancellable = !std::is_same_v<SlotOf<Handler>, NoSlot>;

/// A plain function object, which Asio has nothing to add to.
template <class Token, class Signature>
concept PlainCallback = requires {
  requires std::same_as<
      typename boost::asio::async_result<std::decay_t<Token>, Signature>::completion_handler_type,
      std::decay_t<Token>>;
};

// ---- Cancellation -------------------------------------------------------------------------------

/// Sits in a cancellation slot while the operation is under way.
template <class Canceller>
struct CancelOperation {
  Canceller canceller{};

  void operator()(boost::asio::cancellation_type type) const {
    using boost::asio::cancellation_type;
    // Cancelling may end the operation on another thread, which empties the slot and with it *this.
    const Canceller kept = canceller;
    if ((type & (cancellation_type::terminal | cancellation_type::partial)) !=
        cancellation_type::none) {
      kept.cancel();
    } else if ((type & cancellation_type::total) != cancellation_type::none) {
      kept.cancel(CallCanceller::Scope::not_sent);
    }
  }
};

template <class Handler>
void clear_slot(const Handler& handler) {
  if constexpr (is_cancellable<Handler>) {
    auto slot = boost::asio::associated_cancellation_slot<Handler, NoSlot>::get(handler);
    if (slot.is_connected()) slot.clear();
  }
}

// ---- Completion ---------------------------------------------------------------------------------

/// A completion handler that has an executor, which has work until the handler was posted to it.
template <class Handler>
class PendingHandler {
 public:
  using Allocator = boost::asio::associated_allocator_t<Handler>;

  explicit PendingHandler(Handler&& handler)
      : handler_(std::move(handler)), work_(make_work(handler_)) {}

  /// Posts `handler(decode(outcome))`; the memory of `pending` is free when the handler runs.
  template <class Decode, class Outcome>
  static void post(std::shared_ptr<PendingHandler>&& pending, Outcome&& outcome) {
    auto work = std::move(pending->work_);
    boost::asio::post(work, Upcall<Decode, Outcome>(std::move(pending), std::move(outcome)));
  }

 private:
  template <class Decode, class Outcome>
  class Upcall {
   public:
    using allocator_type = Allocator;

    Upcall(std::shared_ptr<PendingHandler>&& pending, Outcome&& outcome)
        : pending_(std::move(pending)), outcome_(std::move(outcome)) {}
    allocator_type get_allocator() const noexcept {
      return boost::asio::get_associated_allocator(pending_->handler_);
    }
    void operator()() {
      clear_slot(pending_->handler_);
      Handler handler = std::move(pending_->handler_);
      pending_.reset();
      std::move(handler)(Decode()(std::move(outcome_)));
    }

   private:
    std::shared_ptr<PendingHandler> pending_;
    Outcome outcome_;
  };

  static auto make_work(const Handler& handler) {
    return boost::asio::prefer(
        boost::asio::associated_executor<Handler, NoExecutor>::get(handler, NoExecutor()),
        boost::asio::execution::outstanding_work.tracked);
  }

  Handler handler_;
  std::decay_t<decltype(make_work(std::declval<const Handler&>()))> work_;
};

/// Starts an operation on behalf of a completion handler. `start(done, canceller)` calls `done`
/// once, and fills in the canceller, if any, before that.
template <class Decode, class Start, class Handler>
void launch(Start&& start, Handler&& handler) {
  using Operation = std::decay_t<Start>;
  using Outcome = typename Operation::Outcome;
  typename Operation::Canceller* canceller = nullptr;
  if constexpr (is_cancellable<Handler>) {
    auto slot = boost::asio::associated_cancellation_slot<Handler, NoSlot>::get(handler);
    if (slot.is_connected()) {
      canceller =
          &slot.template emplace<CancelOperation<typename Operation::Canceller>>().canceller;
    }
  }
  if constexpr (runs_in_place<Handler>) {
    start(
        [handler = std::move(handler)](Outcome&& outcome) mutable {
          clear_slot(handler);
          std::move(handler)(Decode()(std::move(outcome)));
        },
        canceller);
  } else {
    using Pending = PendingHandler<Handler>;
    auto pending = std::allocate_shared<Pending>(boost::asio::get_associated_allocator(handler),
                                                 std::move(handler));
    start(
        [pending = std::move(pending)](Outcome&& outcome) mutable {
          Pending::template post<Decode>(std::move(pending), std::move(outcome));
        },
        canceller);
  }
}

/// An operation that a token may start later, or never. Not an aggregate: it crosses co_await.
template <class Decode, class Start>
class AsyncOperation {
 public:
  using Signature = void(decltype(Decode()(std::declval<typename Start::Outcome>())));

  explicit AsyncOperation(Start&& start) : start_(std::move(start)) {}

  template <class Handler>
  void operator()(Handler&& handler) {
    launch<Decode>(start_, std::decay_t<Handler>(std::forward<Handler>(handler)));
  }

 private:
  Start start_;
};

/// Hands the operation to `token`. A plain callback gets it with no detour through Asio.
template <class Decode, class Start, class Token>
auto initiate(Start&& start, Token&& token) {
  using Signature = typename AsyncOperation<Decode, Start>::Signature;
  if constexpr (PlainCallback<Token, Signature>) {
    return launch<Decode>(start, std::decay_t<Token>(std::forward<Token>(token)));
  } else {
    return boost::asio::async_initiate<Token, Signature>(
        AsyncOperation<Decode, Start>(std::move(start)), token);
  }
}

}  // namespace trestle::detail
