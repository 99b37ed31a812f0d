// Coroutines on both sides: a client awaits a handler, which awaits another node. No thread waits.
#include <trestle/coroutine.hpp>
#include <trestle/trestle.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <string>

using boost::asio::awaitable;
using trestle::Node;
using trestle::Peer;
using trestle::Result;

struct Order {
  std::string item;
  int count = 0;
};
BOOST_DESCRIBE_STRUCT(Order, (), (item, count))

/// Knows prices.
std::string serve_prices(Node& node) {
  node.add(trestle::unary("price",
                          [](const std::string& item) -> Result<int> {
                            if (item == "apple") return 3;
                            return trestle::refuse("no " + item + " today");
                          }))
      .value();
  return node.listen("unix://*").value();
}

/// Answers orders. The handler is a coroutine: `order` stays valid until it returns, and while it
/// waits for the price, its worker does something else.
std::string serve_orders(Node& node, const Peer& prices) {
  node.add(trestle::unary("total",
                          [prices](const Order& order) -> awaitable<Result<int>> {
                            const Result<int> price =
                                co_await prices.async_call<int>("price", order.item);
                            if (price.has_error()) co_return price.error();
                            co_return price.value() * order.count;
                          }))
      .value();
  return node.listen("unix://*").value();
}

awaitable<void> buy(Node& node, std::string uri) {
  const Result<Peer> shop = co_await node.async_connect(uri);
  if (shop.has_error()) {
    std::cerr << shop.error() << '\n';
    co_return;
  }
  // Named, or built inside the call: not `Order{"apple", 4}` in the co_await expression, which
  // g++ 12 gets wrong (docs/coroutines.md).
  const Order apples{"apple", 4};
  const Result<int> total = co_await shop->async_call<int>("total", apples);
  std::cout << "4 apples: " << total.value() << '\n';

  const Result<int> refused =
      co_await shop->async_call<int>("total", trestle::in_place<Order>, "pear", 1);
  std::cout << "1 pear: " << refused.error().text << '\n';
}

int main() {
  Node prices, orders, client;
  const std::string uri = serve_orders(orders, orders.connect(serve_prices(prices)).value());

  boost::asio::io_context context;
  boost::asio::co_spawn(context, buy(client, uri), boost::asio::detached);
  context.run();  // returns when nothing is under way any more
  return 0;
}
