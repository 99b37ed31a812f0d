// Control frames of a peer that said hello and is being called: whatever it says of these calls,
// each has one outcome, and an honest peer is served meanwhile and afterwards.
#include "frame_records.hpp"
#include "honest_listener.hpp"

namespace {

using namespace trestle;
using fuzz::demand;

/// Calls of the server to the stranger, and how often each ended.
class Calls {
 public:
  explicit Calls(const Peer& stranger) {
    for (int& outcomes : outcomes_) {
      stranger.async_call<int>("anything", 1, [&outcomes](const Result<int>&) { ++outcomes; });
    }
    stranger.async_confirm("anything", 1, [this](const Result<void>&) { ++confirmed_; });
    stranger.send("anything", 1).value();
  }
  void expect_one_outcome_each() const {
    for (const int outcomes : outcomes_) demand(outcomes == 1, "a call has one outcome");
    demand(confirmed_ == 1, "a confirmation has one outcome");
  }

 private:
  std::array<int, 3> outcomes_{};
  int confirmed_ = 0;
};

void suffer(fuzz::HonestListener& listener, std::string_view input) {
  static std::uint64_t strangers = 0;
  const InstanceId who = InstanceId::from_halves(7, ++strangers);
  auto stranger = listener.stranger();
  stranger->greet(who);
  const Calls calls(listener.server().peer(who));
  stranger->settle();
  for (const std::string& frames : fuzz::frames_of_records(input)) {
    stranger->send_bytes(as_bytes(fuzz::packet_with(frames)));
    listener.expect_service();
  }
  stranger.reset();
  // Who was lost is waited for, but not for ever.
  listener.advance(std::chrono::seconds(31));
  listener.expect_nothing_left();
  calls.expect_one_outcome_each();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Never destroyed: what is still there at the end is no leak.
  static fuzz::HonestListener& listener = *new fuzz::HonestListener;
  suffer(listener, {reinterpret_cast<const char*>(data), size});
  return 0;
}
