// Handlers that show each way to serve: at once, without a reply, later, and on a worker.
#include "served_handlers.hpp"

#include "word_count/word_count.hpp"

#include <trestle/node.hpp>
#include <trestle/reply.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace trestle::tools {

std::vector<Handler> served_handlers() {
  std::vector<Handler> handlers;
  handlers.push_back(
      unary("echo", [](Encoded value) { return value; }, {.execution = Execution::inline_}));
  handlers.push_back(am("sink", [](BytesView) {}, {.execution = Execution::inline_}));
  // A timer of the node answers, so that any number of sleepers costs no thread.
  handlers.push_back(
      unary("sleep",
            [](Context& context, std::uint32_t milliseconds, Reply<std::uint32_t> reply) {
              context.node.after(std::chrono::milliseconds(milliseconds),
                                 [reply, milliseconds] { reply(milliseconds); });
            },
            {.execution = Execution::inline_}));
  handlers.push_back(unary("wordcount", [](const std::string& text) { return count_words(text); }));
  return handlers;
}

}  // namespace trestle::tools
