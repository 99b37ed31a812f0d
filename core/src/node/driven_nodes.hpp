// The nodes of a ManualDriver.
#pragma once

#include <trestle/manual_driver.hpp>

#include <algorithm>
#include <vector>

#include "node/drivable.hpp"

namespace trestle {

struct ManualDriver::Nodes {
  std::vector<detail::Drivable*> list;

  static void add(ManualDriver& driver, detail::Drivable& node) {
    driver.nodes_->list.push_back(&node);
  }
  static void remove(ManualDriver& driver, detail::Drivable& node) {
    std::erase(driver.nodes_->list, &node);
  }
};

}  // namespace trestle
