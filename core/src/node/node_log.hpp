// Where the lines of a node go: to its log function, from the leader, and not too many of a kind.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/node.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "log/repeated_lines.hpp"
#include "node/leader_work.hpp"

namespace trestle {

/// Threads: any.
class NodeLog {
 public:
  /// What it asks of its node.
  struct Services {
    /// Runs it on the leader, without a lock.
    std::function<void(Action)> defer;
    std::function<TimePoint()> now;
    /// Calls tell_due() at that time. Called on the leader, without a lock.
    std::function<void(TimePoint)> wake_at;
  };

  NodeLog(LogFunction out, std::chrono::nanoseconds interval, Services services);
  ~NodeLog();
  NodeLog(const NodeLog&) = delete;
  NodeLog& operator=(const NodeLog&) = delete;

  /// Logs at once, on this thread.
  void write(LogLevel level, std::string_view text);
  /// Logs from the leader: what reports may hold the engine's lock.
  void add(LogLevel level, std::string text);
  /// The same, but at most one line of that kind per interval.
  void add_repeated(std::string_view kind, LogLevel level, std::string text);
  /// The same at once, on this thread, although a turn is held up; unless it is the log function
  /// that holds it, then from the leader. Two lines are never written at once.
  void add_beside_leader(std::string_view kind, LogLevel level, std::string text);
  /// For transports and others who may outlive the node. Equal warnings are of one kind.
  LogFunction outlet();

  /// Logs what was left out, where its interval is over. Threads: the leader, without a lock.
  void tell_due();
  /// Logs what was left out, whatever the time. Likewise.
  void tell_all();

 private:
  /// The way in for those who may outlive the node.
  struct Gate {
    std::mutex mutex;
    NodeLog* log = nullptr;
  };

  /// What was left out.
  void tell_later();
  void wake_for_next();
  /// write(), where nobody else does; the leader must not wait for a log function that may be
  /// waiting for the leader.
  void write_in_turn(LogLevel level, std::string_view text);

  const LogFunction out_;
  const Services services_;
  log::RepeatedLines repeated_;
  std::recursive_mutex writing_;  // a log function that waits has turns below it, and their lines
  // seq_cst: cleared before the lines are looked at, set after one was added; one sees the other.
  std::atomic<bool> will_wake_{false};
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace trestle
