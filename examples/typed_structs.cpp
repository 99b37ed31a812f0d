// What travels: structs, enums, lists, maps, optional members, as MessagePack or JSON; and what
// happens where the two sides do not agree.
#include <trestle/trestle.hpp>

#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

using trestle::Codec;
using trestle::Node;
using trestle::Peer;

// An enum travels as the name of its enumerator.
enum class Size { small, large };
BOOST_DESCRIBE_ENUM(Size, small, large)

struct Item {
  std::string name;
  Size size = Size::small;
  std::optional<int> count{};  // may be missing: senders that do not know it are understood
};
BOOST_DESCRIBE_STRUCT(Item, (), (name, size, count))

struct Order {
  std::vector<Item> items;
  std::map<std::string, std::string> notes{};
};
BOOST_DESCRIBE_STRUCT(Order, (), (items, notes))

struct Bill {
  int pieces = 0;
  std::vector<std::string> names{};
};
BOOST_DESCRIBE_STRUCT(Bill, (), (pieces, names))

// What another program might send: no count, no notes, and a member that an Order does not have.
struct OldItem {
  std::string name;
  Size size = Size::small;
};
BOOST_DESCRIBE_STRUCT(OldItem, (), (name, size))
struct OldOrder {
  std::vector<OldItem> items;
  std::map<std::string, std::string> notes{};
  bool urgent = true;
};
BOOST_DESCRIBE_STRUCT(OldOrder, (), (items, notes, urgent))

Bill bill(const Order& order) {
  Bill bill;
  for (const Item& item : order.items) {
    bill.pieces += item.count.value_or(1);
    bill.names.push_back(item.name);
  }
  return bill;
}

int main() {
  Node server, client;
  server.add(trestle::unary("bill", &bill)).value();
  const Peer peer = client.connect(server.listen("unix://*").value()).value();

  const Order order{{{"apple", Size::small, 3}, {"melon", Size::large}}, {{"wrap", "paper"}}};
  std::cout << "pieces: " << peer.call<Bill>("bill", order)->pieces << '\n';

  // The same as JSON: readable, for peers that speak nothing else. The reply is JSON, too.
  const Peer json = peer.with({.codec = Codec::json});
  const auto raw = json.call<trestle::Encoded>("bill", order).value();
  std::cout << raw.payload.text() << '\n';

  // Unknown members are ignored, optional ones may be missing.
  const OldOrder old{{{"pear", Size::small}}};
  std::cout << "old: " << peer.call<Bill>("bill", old)->pieces << '\n';

  // All else is refused, before the handler runs, with a text that names the place.
  const auto wrong = peer.call<Bill>("bill", std::map<std::string, int>{{"items", 7}});
  std::cout << wrong.error() << '\n';
  return 0;
}
