// Nodes that come and go leave nothing: no descriptor, no thread, no memory.
#include "holdings.hpp"
#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

class ComingAndGoing : public Scenario {
 protected:
  /// Two nodes begin, talk to each other, and end.
  void live_once() {
    Node server(options({.workers = 1}));
    Node client(options({.workers = 1}));
    server.add(unary("double", [](int n) { return 2 * n; })).value();
    const Peer peer = connect(client, server);
    ASSERT_EQ(peer.call<int>("double", 21).value(), 42);
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(ComingAndGoing);

TEST_P(ComingAndGoing, AThousandTimesLeavesNothingBehind) {
  expect_nothing_left_behind(times(1000, 10'000), [this] { live_once(); });
}

}  // namespace
}  // namespace trestle::scenarios
