// A server whose handlers never answer. Prints its URI, then "called" for each message.
#include <trestle/trestle.hpp>

#include <iostream>
#include <vector>

int main() {
  std::vector<trestle::Reply<int>> kept;
  trestle::Node node;
  node.add(trestle::unary("mute",
                          [&kept](trestle::Reply<int> reply) {
                            kept.push_back(std::move(reply));
                            std::cout << "called" << std::endl;
                          },
                          {.execution = trestle::Execution::inline_}))
      .value();
  std::cout << node.listen("tcp://127.0.0.1:0").value() << std::endl;
  std::cin.get();  // until the test closes its end, or kills this process
  return 0;
}
