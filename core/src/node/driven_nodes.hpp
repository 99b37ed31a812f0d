// The nodes of a ManualDriver.
#pragma once

#include <trestle/manual_driver.hpp>

#include <algorithm>
#include <vector>

#include "engine/leadership.hpp"
#include "node/drivable.hpp"

namespace trestle {

struct ManualDriver::Nodes {
  std::vector<detail::Drivable*> list;

  static void add(ManualDriver& driver, detail::Drivable& node) {
    driver.nodes_->list.push_back(&node);
  }
  /// ManualDriver::run_until(), for who waits.
  static bool run_until_done(ManualDriver& driver, const engine::Waiter& waiter);
  static void remove(ManualDriver& driver, detail::Drivable& node) {
    std::erase(driver.nodes_->list, &node);
  }
};

}  // namespace trestle
