// The one place in core that reads the machine's monotonic clock.
#include <trestle/clock.hpp>

namespace trestle {
namespace {

class SteadyClock final : public Clock {
 public:
  TimePoint now() const noexcept override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};

}  // namespace

const Clock& steady_clock() noexcept {
  static const SteadyClock clock;
  return clock;
}

}  // namespace trestle
