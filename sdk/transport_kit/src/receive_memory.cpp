// When the memory of large packets goes back to the host.
#include <trestle/transport_kit/receive_memory.hpp>

#include <chrono>

namespace trestle::transport_kit {
namespace {

/// Memory that no packet has needed for so long is given back; twice that at most.
constexpr std::chrono::nanoseconds idle_time = std::chrono::seconds(1);

}  // namespace

void ReceiveMemory::release(tt_rx& rx) {
  pool_.release(rx);
  if (will_trim_ || pool_.kept_bytes() == 0) return;
  will_trim_ = true;
  loop_.set_deadline(*this, loop_.host().now() + idle_time);
}

void ReceiveMemory::on_deadline() {
  pool_.trim();
  will_trim_ = pool_.kept_bytes() > 0;
  if (will_trim_) loop_.set_deadline(*this, loop_.host().now() + idle_time);
}

}  // namespace trestle::transport_kit
