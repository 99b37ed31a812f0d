// Handlers that are coroutines: they wait without keeping a worker.
//
//   node.add(trestle::unary("total", [&](const Order& order) -> boost::asio::awaitable<Money> {
//     const auto price = co_await prices.async_call<Money>("price", order.item);
//     co_return price.value() * order.count;
//   }));
//
// A handler of any kind may return boost::asio::awaitable<T>, where T is what a plain one would
// return. It takes what a plain one takes, but no Reply. It runs on the node's executor, on a
// strand of its own, which is `this_coro::executor` inside. Its parameters are kept until it ends,
// also where it takes them by reference or as a view; so are the function object and what it
// captured, which all of its runs share. An exception ends it as handler_failed. concurrency_max
// counts it until it ends.
// Cancel: when Context::stop_token() is stopped, what the coroutine waits for is cancelled
// (`terminal`): a call, for one, ends as cancelled, and its peer is told. The next co_await throws
// boost::system::system_error(operation_aborted).
// Lifetime: a coroutine that still waits when its node has ended is destroyed; it holds no
// reference to that node's own objects that its destructors use, such as the Node.
#pragma once

#include <trestle/detail/coroutine_handler.hpp>
#include <trestle/handler.hpp>
#include <trestle/node_executor.hpp>
