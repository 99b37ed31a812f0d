// Calls, bounds and recovery.
#include "fault_rig.hpp"

#include <cstdlib>

namespace trestle::faults {

void Tally::expect_end(Outcome& outcome) {
  ++sent;
  ASSERT_EQ(outcome.wait_for(detection_max), std::future_status::ready) << "a caller waits in vain";
  const Result<Payload> result = outcome.get();
  if (result.has_value()) {
    ++completed;
    return;
  }
  ++failed;
  const Error& error = result.error();
  EXPECT_TRUE(error.is(Errc::connection_lost) || error.is(Errc::connect_refused) ||
              error.is(Errc::unreachable) || error.is(Errc::handshake_failed))
      << error;
  EXPECT_FALSE(error.text.empty());
}

NodeOptions FaultRig::client_options() {
  NodeOptions options;
  options.heartbeat = heartbeat;
  options.dead_after = dead_after;
  options.log = [](LogLevel, std::string_view) {};
  return options;
}

void FaultRig::start_server(const std::string& uri, const std::string& instance,
                            std::chrono::milliseconds beat) {
  server_.reset();
  const std::string where = uri_.empty() ? uri : uri_;
  server_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{TRESTLE_FAULT_SERVER, where, instance, std::to_string(beat.count()),
                               std::to_string(dead_after.count())});
  const std::string real = server_->read_line(20s);
  ASSERT_NE(real.find("://"), std::string::npos) << real;
  uri_ = real;
}

void FaultRig::connect() {
  auto connected = client.connect(uri_, {.timeout = 10s});
  ASSERT_TRUE(connected.has_value()) << connected.error();
  peer = *connected;
}

Outcome FaultRig::call(const std::string& handler, const Payload& argument) {
  auto promise = std::make_shared<std::promise<Result<Payload>>>();
  peer.with_timeout(60s).async_call<Payload>(handler, argument, [promise](Result<Payload> result) {
    promise->set_value(std::move(result));
  });
  return promise->get_future();
}

Outcome FaultRig::fill(int bytes) {
  auto promise = std::make_shared<std::promise<Result<Payload>>>();
  peer.with_timeout(60s).async_call<Payload>(
      "fill", bytes, [promise](Result<Payload> result) { promise->set_value(std::move(result)); });
  return promise->get_future();
}

std::optional<std::chrono::nanoseconds> FaultRig::recover(std::chrono::nanoseconds at_most) {
  const TimePoint start = client.now();
  while (client.now() - start < at_most) {
    const auto left = at_most - (client.now() - start);
    const auto outcome = peer.with_timeout(left).call<Payload>("echo", Payload());
    if (outcome.has_value()) return client.now() - start;
  }
  return std::nullopt;
}

void FaultRig::expect_recovery() {
  EXPECT_TRUE(recover(recovery_max).has_value()) << "not served within two seconds";
}

void FaultRig::expect_gone() {
  while (true) {
    const auto event = events.wait_for(detection_max);
    ASSERT_TRUE(event.has_value()) << "nobody noticed";
    if (event->change == PeerEvent::Change::came) continue;
    EXPECT_FALSE(event->reason.text.empty());
    return;
  }
}

void FaultRig::expect_peace(std::chrono::nanoseconds time) {
  const auto event = events.wait_for(time);
  EXPECT_FALSE(event.has_value()) << to_string(event->change) << ": " << event->reason;
}

}  // namespace trestle::faults
