// Finds out that a peer is silent: pings where nothing comes, and ends what stays silent too long.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "engine/engine.hpp"

namespace trestle::peers {

class Connection;

/// How often a heart beats.
struct Rhythm {
  std::chrono::nanoseconds interval{0};    ///< 0: never
  std::chrono::nanoseconds dead_after{0};  ///< counts as two intervals at least
};

/// One timer for all connections of a node. Whatever comes from a peer is a sign of life, also a
/// part of a packet where the transport tells of it. Whoever opened a connection looks at it in
/// each interval, the other side in every second one, which is why an idle one has one ping per
/// interval. Each side sees to it that something leaves from time to time, so that a peer that is
/// busy reading a long queue is not taken for dead.
///
/// A peer is dead if nothing came for dead_after, nor for an interval since it was pinged. A time
/// in which this node itself stood still proves nothing: after it, everybody has another interval.
/// Threads: under the engine's lock.
class Heartbeat final : private engine::Timer {
 public:
  Heartbeat(engine::Engine& engine, const Rhythm& rhythm) : engine_(engine) { follow(rhythm); }

  /// From now on.
  void follow(Rhythm rhythm);
  const Rhythm& rhythm() const noexcept { return rhythm_; }

  /// An open connection, until forget().
  void watch(Connection& connection);
  void forget(const Connection& connection);
  bool watches_any() const noexcept { return !watched_.empty(); }
  /// This node answers no pings for now: whoever may wonder hears of it, unless most of `tolerance`
  /// is left since the last time. Judges nobody.
  void beat_unasked(std::chrono::nanoseconds tolerance);
  /// The node ends.
  void stop();

 private:
  /// What one firing of the timer is for.
  struct Look {
    TimePoint now;
    bool is_beat;  // those that were not heard are pinged
    bool excuses;  // this node stood still: nobody is judged
  };

  void expire() override;
  void look_at(Connection& connection, const Look& look);
  TimePoint verdict_at(const Connection& connection) const;
  /// Between beats.
  TimePoint period() const;
  void arm();

  engine::Engine& engine_;
  Rhythm rhythm_;
  std::vector<Connection*> watched_;
  TimePoint next_beat_{0};
  std::optional<TimePoint> unasked_at_;
  bool was_late_ = false;
};

}  // namespace trestle::peers
