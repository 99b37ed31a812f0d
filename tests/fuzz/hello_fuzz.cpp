// Any bytes as the first packet of a connection: whoever they claim to be, an honest peer is served
// meanwhile and afterwards, and who is not taken in is nobody's peer.
#include <cstdint>
#include <string>

#include "honest_listener.hpp"

namespace {

using namespace trestle;
using fuzz::demand;

void suffer(fuzz::HonestListener& listener, std::string_view input) {
  auto stranger = listener.stranger();
  stranger->send_bytes(as_bytes(fuzz::packet_with(input)));
  listener.expect_service();
  // Over with what it could have been waited for: its hello, or the answer of an earlier start.
  listener.advance(std::chrono::seconds(3));
  stranger->settle();
  const std::uint64_t taken_in = listener.server().counters().connections - 1;
  demand(taken_in <= 1, "one connection is one peer at most");
  demand(stranger->is_closed() || taken_in == 1, "who says no hello in time is closed");
  listener.expect_service();
  stranger.reset();
  listener.advance(std::chrono::seconds(31));
  listener.expect_nothing_left();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Never destroyed: what is still there at the end is no leak.
  static fuzz::HonestListener& listener = *new fuzz::HonestListener;
  suffer(listener, {reinterpret_cast<const char*>(data), size});
  return 0;
}
