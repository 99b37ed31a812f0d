// Beats and verdicts.
#include "peers/heartbeat.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {
namespace {

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

}  // namespace

void Heartbeat::follow(Rhythm rhythm) {
  rhythm.dead_after = std::max(rhythm.dead_after, 2 * rhythm.interval);
  rhythm_ = rhythm;
  const TimePoint now = engine_.now();
  for (Connection* connection : watched_) connection->pulse() = {.heard_at = now};
  next_beat_ = now + period();
  arm();
}

void Heartbeat::watch(Connection& connection) {
  const TimePoint now = engine_.now();
  connection.pulse() = {.heard_at = now};
  watched_.push_back(&connection);
  if (watched_.size() == 1) next_beat_ = now + period();
  next_beat_ = std::min(next_beat_, now + period());
  arm();
}

void Heartbeat::forget(const Connection& connection) {
  std::erase(watched_, &connection);
  if (watched_.empty()) engine_.cancel_timer(*this);
}

void Heartbeat::stop() {
  watched_.clear();
  engine_.cancel_timer(*this);
}

void Heartbeat::beat_unasked(std::chrono::nanoseconds tolerance) {
  // No more often than is of use: some transports take few packets of a node that reads none.
  const TimePoint now = engine_.now();
  if (unasked_at_ && now - *unasked_at_ < tolerance * 3 / 4) return;
  unasked_at_ = now;
  for (Connection* connection : watched_) {
    Pulse& pulse = connection->pulse();
    // One that has not left says nothing, and neither would a second one.
    if (!connection->is_open() || pulse.ping >= connection->sent_up_to()) continue;
    pulse.ping = connection->send_heartbeat();
  }
}

TimePoint Heartbeat::period() const {
  const bool opened_one = std::any_of(watched_.begin(), watched_.end(), [](const Connection* c) {
    return c->opener() == Opener::us;
  });
  return opened_one ? rhythm_.interval : 2 * rhythm_.interval;
}

void Heartbeat::expire() {
  const TimePoint now = engine_.recent_time();
  const bool is_late = now - due() > rhythm_.interval / 2;
  const Look look{.now = now, .is_beat = now >= next_beat_, .excuses = is_late && !was_late_};
  was_late_ = is_late;
  if (look.is_beat) next_beat_ = now + period();
  const auto all = watched_;  // who is found dead leaves the list
  for (Connection* connection : all) {
    if (connection->is_open()) look_at(*connection, look);
  }
  arm();
}

void Heartbeat::look_at(Connection& connection, const Look& look) {
  Pulse& pulse = connection.pulse();
  const auto silence = look.now - pulse.heard_at;
  const std::uint64_t sent_up_to = connection.sent_up_to();
  const bool has_sent = std::exchange(pulse.sent_up_to, sent_up_to) != sent_up_to;
  const std::uint64_t bytes_in = connection.bytes_received();
  const bool is_receiving = std::exchange(pulse.bytes_in, bytes_in) != bytes_in;
  // While our ping waits behind what the peer is still taking, there can be no pong.
  const bool is_draining = has_sent && pulse.ping >= sent_up_to;
  if (silence != TimePoint(0) && (is_receiving || is_draining)) pulse.heard_at = look.now;
  const bool is_silent = silence >= rhythm_.interval / 2;
  if ((look.is_beat && (is_silent || !has_sent)) || (look.excuses && is_silent)) {
    if (pulse.ping < sent_up_to) pulse.ping = connection.send_heartbeat();
    if (look.excuses || pulse.pinged_at <= pulse.heard_at) pulse.pinged_at = look.now;
  }
  if (look.excuses || pulse.pinged_at <= pulse.heard_at) return;
  if (look.now < verdict_at(connection)) return;
  connection.fail(Error(Errc::connection_lost, "the peer is dead: nothing came from it for " +
                                                   milliseconds(silence) + ", dead_after is " +
                                                   milliseconds(rhythm_.dead_after)));
}

TimePoint Heartbeat::verdict_at(const Connection& connection) const {
  const Pulse& pulse = connection.pulse();
  return std::max(pulse.heard_at + rhythm_.dead_after, pulse.pinged_at + rhythm_.interval);
}

void Heartbeat::arm() {
  engine_.cancel_timer(*this);
  if (rhythm_.interval.count() <= 0 || watched_.empty()) return;
  TimePoint next = next_beat_;
  for (const Connection* connection : watched_) {
    const Pulse& pulse = connection->pulse();
    const bool is_suspect = connection->is_open() && pulse.pinged_at > pulse.heard_at;
    if (is_suspect) next = std::min(next, verdict_at(*connection));
  }
  engine_.arm_timer(*this, next);
}

}  // namespace trestle::peers
