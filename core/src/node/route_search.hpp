// Several endpoints, tried one after the other within one time.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/ids.hpp>
#include <trestle/route.hpp>
#include <trestle/worker_address.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle {

class NodeCore;

/// What can be tried, and the reasons of what cannot.
struct Ways {
  explicit Ways(const RoutePlan& plan);
  /// Whatever is there.
  explicit Ways(const WorkerAddress& address) : uris(address.endpoints()) {}

  std::vector<std::string> uris;
  std::vector<RouteFailure> unusable;
};

/// What is left of it, or for ever.
std::chrono::nanoseconds time_until(const std::optional<TimePoint>& deadline, TimePoint now);

/// Goes from one endpoint to the next. Each gets its part of the time that is left; without a
/// deadline, as long as its transport takes.
class RouteSearch {
 public:
  /// Begins with `first`, if it is one of them.
  RouteSearch(const Ways& ways, std::string_view first, std::optional<TimePoint> deadline);

  /// The next one to try; null: there is none, or no time for it.
  const std::string* next(TimePoint now);
  /// How long that one may take.
  std::chrono::nanoseconds part(TimePoint now) const;
  /// It did not serve.
  void failed(Error why);

  /// Of all that were there.
  const std::vector<RouteFailure>& failures() const noexcept { return failures_; }

 private:
  std::vector<std::string> uris_;
  std::vector<RouteFailure> failures_;
  const std::optional<TimePoint> deadline_;
  std::size_t tried_ = 0;
};

/// The error of a discovery that found nobody.
Error nobody_discovered(const std::vector<RouteFailure>& failures);

/// Whom a node knew before it looked at others.
class Acquaintances {
 public:
  explicit Acquaintances(NodeCore& core);

  /// Leaves a peer that was connected since, unless somebody else wants it by now.
  void leave(const InstanceId& peer) const;

 private:
  NodeCore& core_;
  std::vector<InstanceId> known_;
};

}  // namespace trestle
