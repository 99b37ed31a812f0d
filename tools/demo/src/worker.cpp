// The worker's one handler, and its life in a process of its own.
#include "worker.hpp"

#include "word_count/word_count.hpp"

#include <iostream>
#include <limits>
#include <utility>

namespace trestle::demo {

Result<std::string> serve_words(Node& node, const std::string& uri) {
  auto added = node.add(
      unary(handler_name, [](const std::string& text) { return tools::count_words(text); }));
  if (added.has_error()) return std::move(added).error();
  return node.listen(uri);
}

int run_worker(const std::string& uri) {
  Node node;
  const auto real = serve_words(node, uri);
  if (real.has_error()) {
    std::cerr << "worker: " << real.error().text << '\n';
    return 1;
  }
  std::cout << *real << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  return node.close().has_value() ? 0 : 1;
}

}  // namespace trestle::demo
