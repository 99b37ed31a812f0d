// The lanes that are in use: whose messages run one after the other.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/ids.hpp>
#include <trestle/lane.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "dispatch/permits.hpp"

namespace trestle::dispatch {

/// A lane that somebody uses, or did of late.
struct OpenLane {
  OpenLane(Lane::Scope s, std::string n, const InstanceId& i)
      : scope(s), name(std::move(n)), sender(i) {}

  /// Such as "lane 'disk'".
  std::string text() const;

  const Lane::Scope scope;
  const std::string name;
  const InstanceId sender;  // nil if it is everybody's
  Permits permits{1};

 private:
  friend class Lanes;
  std::size_t messages_ = 0;  // in it, waiting or running
  bool warned_ = false;       // since it was empty
  TimePoint idle_since_{0};
  std::list<OpenLane*>::iterator idle_place_;  // while there are no messages in it
};

/// Threads: any.
class Lanes {
 public:
  /// A lane that nobody uses is forgotten after this time,
  static constexpr std::chrono::seconds idle_max{30};
  /// or if more than so many are idle: senders may be many, and short-lived.
  static constexpr std::size_t idle_count_max = 1024;

  /// A message enters its lane, which is not forgotten until as many left as entered.
  std::shared_ptr<OpenLane> enter(const Lane& lane, const InstanceId& sender);
  /// True: nobody is in it any more, and next_reap() is its end, or earlier.
  bool leave(OpenLane& lane, TimePoint now);

  /// True once, until the lane was empty.
  bool should_warn(OpenLane& lane);

  void reap(TimePoint now);
  std::optional<TimePoint> next_reap() const;
  std::size_t size() const;

 private:
  struct Key {
    Lane::Scope scope;
    InstanceId sender;
    std::string_view name;  // the lane's own
    friend bool operator<(const Key& a, const Key& b) noexcept {
      return std::tie(a.scope, a.sender, a.name) < std::tie(b.scope, b.sender, b.name);
    }
  };

  void forget_oldest();

  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<OpenLane>> lanes_;
  std::list<OpenLane*> idle_;  // by idle_since_
};

}  // namespace trestle::dispatch
