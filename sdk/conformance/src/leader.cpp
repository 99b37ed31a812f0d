// drain, arm, sleep; and what it means when a sleep runs out.
#include "leader.hpp"

#include <utility>

#include "failure.hpp"

namespace trestle::conformance {
namespace {

// Far above any pause of the senders: a sleep this long means that nobody announced the event.
constexpr std::chrono::milliseconds stall_span{1500};

}  // namespace

Leader::Leader(Driver& driver, std::function<void()> after_batch)
    : driver_(driver), after_batch_(std::move(after_batch)), thread_([this] { lead(); }) {}

Leader::~Leader() {
  static_cast<void>(stop());
}

std::string Leader::stop() {
  if (!thread_.joinable()) return failure_;
  stopping_.store(true, std::memory_order_release);  // pairs with the acquire in lead()
  driver_.host().table()->wake(driver_.host().table());
  thread_.join();
  return failure_;
}

void Leader::lead() {
  try {
    while (!stopping_.load(std::memory_order_acquire)) {  // pairs with the release in stop()
      if (drain() || !driver_.arm()) continue;
      if (driver_.sleep(stall_span) || !driver_.can_sleep() || driver_.has_deadline()) continue;
      const auto wakes = driver_.host().wakes();
      if (drain() && driver_.host().wakes() == wakes) {
        fail(
            "lost wake-up: after arm() said TT_OK an event became available, but neither wait_fd "
            "nor wake() ended the sleep");
      }
    }
  } catch (const Failed& failed) {
    failure_ = failed.text;
    failed_.store(true, std::memory_order_release);  // pairs with the acquire in has_failed()
  }
}

bool Leader::drain() {
  if (driver_.progress() == 0) return false;
  after_batch_();
  return true;
}

}  // namespace trestle::conformance
