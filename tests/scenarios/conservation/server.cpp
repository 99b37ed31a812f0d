// The process that dies: it runs messages, and notes each in the ledger.
#include <trestle/trestle.hpp>

#include <cstdio>

#include "eventually.hpp"
#include "message.hpp"
#include "roles.hpp"

namespace trestle::scenarios {
namespace {

/// Always the same: each start is the next incarnation of one node.
constexpr InstanceId server_id = InstanceId::from_halves(0x7365727665720000, 1);

}  // namespace

int serve(const Play& play, const Ledger& ledger, std::uint64_t incarnation) {
  const auto run = [&ledger](BytesView bytes) -> Result<Payload> {
    const auto mark = mark_of(bytes);
    if (!mark || mark->client >= ledger.size().clients ||
        mark->number >= ledger.size().messages_max) {
      return refuse("a message of nobody");
    }
    ++ledger.entry(mark->client, mark->number).runs;
    ++ledger.runs();
    return Payload::copy(bytes);
  };
  Node node({.instance_id = server_id, .incarnation = incarnation, .plugins = play.plugins});
  node.add(unary("run", run, {.execution = Execution::inline_})).value();
  node.add(unary("run_spawned", run)).value();
  node.add(ack("ready", [] {}, {.execution = Execution::inline_})).value();
  const auto uri = node.listen(play.address);
  if (uri.has_error()) {
    std::fprintf(stderr, "server: %s\n", to_string(uri.error()).c_str());
    return 1;
  }
  std::printf("%s\n", uri->c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  const bool is_left_alone = eventually([&] {
    const NodeCounters now = node.counters();
    return now.connections == 0 && now.calls_pending == 0;
  });
  if (!is_left_alone) std::fprintf(stderr, "server: connections are left\n");
  return is_left_alone && node.close().has_value() ? 0 : 1;
}

}  // namespace trestle::scenarios
