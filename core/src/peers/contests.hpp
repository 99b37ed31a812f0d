// Two starts of one instance: who stays.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "calls/call_table.hpp"
#include "engine/engine.hpp"
#include "peers/connection.hpp"

namespace trestle::peers {

/// A newcomer that says to be a later start of a connected peer proves nothing by that: anybody
/// may say so. The earlier one is pinged. If it answers in time, it stays and the newcomer is
/// refused; else it is evicted. Meanwhile the newcomer waits, and what it sends is held.
/// Threads: under the engine's lock.
class Contests {
 public:
  Contests(engine::Engine& engine, std::chrono::nanoseconds time) : engine_(engine), time_(time) {}

  /// Whether `peer` may be admitted now. If not, `newcomer` hears of it later.
  bool admits(Connection& newcomer, const PeerFacts& peer, const detail::PeerLink* known);
  void stop() { contests_.clear(); }

 private:
  /// One ping. Its verdict is carried out by the leader's next turn: what was held has requests in
  /// it, and pongs and losses may be noticed elsewhere.
  struct Contest final : calls::CallSink, engine::Timer {
    Contest(Contests& c, Connection& n, Connection& e) noexcept
        : contests(c), newcomer(n.shared_from_this()), earlier(e.shared_from_this()) {}
    ~Contest();
    void complete(Result<Encoded>&& outcome) noexcept override;
    void moved_to(Connection& connection) noexcept override {
      earlier = connection.shared_from_this();
    }
    void expire() override { contests.settle(*this); }

    Contests& contests;
    const std::shared_ptr<Connection> newcomer;
    std::shared_ptr<Connection> earlier;
    wire::CallId ping;
    bool has_answered = false;
  };

  void settle(Contest& contest);

  engine::Engine& engine_;
  const std::chrono::nanoseconds time_;
  std::list<Contest> contests_;
};

}  // namespace trestle::peers
