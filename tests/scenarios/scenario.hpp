// What all scenarios begin with: nodes with threads, as in production, over one transport.
#pragma once

#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fresh_addresses.hpp"
#include "transport_under_test.hpp"

namespace trestle::scenarios {

using namespace std::chrono_literals;

inline const HandlerOptions in_turn{.execution = Execution::inline_};

/// How long a scenario waits for what must happen. Only a failure comes near it.
inline constexpr std::chrono::seconds watchdog{20};

/// True once `condition` is; false if the watchdog came first. Never sleeps: others may need the
/// CPU, and get it.
bool eventually(const std::function<bool()>& condition);

/// How often a scenario does what it repeats: `usual`, or `longer` where TRESTLE_SCENARIO_LONG is
/// set, as `scripts/scenarios --long` does. A sanitizer makes the usual a tenth.
std::size_t times(std::size_t usual, std::size_t longer);

/// A scenario over the transport of its parameter. Nodes are its local variables, behind all that
/// their handlers use.
class Scenario : public ::testing::TestWithParam<TransportUnderTest> {
 protected:
  /// Skips what this build has no transport for, and says so.
  void SetUp() override;

  /// What every node here is made with: it knows those that no search finds, too.
  static NodeOptions options(NodeOptions options = {});
  /// An address of that transport that nobody has used.
  std::string fresh_address(const TransportUnderTest& transport = GetParam()) {
    return addresses_.make(transport.address);
  }
  /// Listens there; its URI.
  std::string serve(Node& node) { return node.listen(fresh_address()).value(); }
  /// Connects the one to the other, which begins to listen for it.
  Peer connect(Node& from, Node& to) { return from.connect(serve(to)).value(); }

 private:
  FreshAddresses addresses_;
};

}  // namespace trestle::scenarios
