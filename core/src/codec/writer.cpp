// What all writers share: the limit on nesting.
#include <trestle/detail/writer.hpp>

#include <string>

namespace trestle::detail {

bool Writer::descend() {
  if (depth_ == nesting_max) {
    return failure_.because("arrays and maps nest deeper than the limit of " +
                            std::to_string(nesting_max) + " levels");
  }
  ++depth_;
  return true;
}

}  // namespace trestle::detail
