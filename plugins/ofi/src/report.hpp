// What libfabric finds on this machine, for `trestle fabrics` and whoever else asks.
#pragma once

#include <trestle/ext/report.h>

#include <string>
#include <vector>

namespace trestle::ofi {

/// A provider that is there, or that one might expect.
struct FoundProvider {
  std::string name;
  std::string reason;               ///< why it cannot be used; empty: it can
  std::vector<std::string> places;  ///< devices and addresses
};

/// All of them; `verbs` also if there is none. If libfabric cannot be loaded, that is all that is
/// said.
std::vector<FoundProvider> find_providers();

/// As tt.report/0 wants it.
std::string to_json(const std::vector<FoundProvider>& providers);

/// The extension's table.
const tt_report& report_table() noexcept;

}  // namespace trestle::ofi
