// Trying endpoints, and leaving those that were only asked.
#include "node/route_search.hpp"

#include <algorithm>
#include <utility>

#include "node/node_core.hpp"
#include "peers/candidates.hpp"

namespace trestle {

Ways::Ways(const RoutePlan& plan) {
  for (const RouteCandidate& candidate : plan.candidates) {
    if (candidate.why_not) {
      unusable.push_back({candidate.uri, *candidate.why_not});
    } else {
      uris.push_back(candidate.uri);
    }
  }
}

std::chrono::nanoseconds time_until(const std::optional<TimePoint>& deadline, TimePoint now) {
  if (!deadline) return std::chrono::nanoseconds::max();
  return std::max(*deadline - now, std::chrono::nanoseconds::zero());
}

RouteSearch::RouteSearch(const Ways& ways, std::string_view first,
                         std::optional<TimePoint> deadline)
    : uris_(ways.uris), failures_(ways.unusable), deadline_(deadline) {
  const auto preferred = std::find(uris_.begin(), uris_.end(), first);
  if (preferred != uris_.end()) std::rotate(uris_.begin(), preferred, std::next(preferred));
}

const std::string* RouteSearch::next(TimePoint now) {
  const bool is_over = deadline_ && now >= *deadline_;
  while (is_over && tried_ < uris_.size()) {
    failures_.push_back(
        {uris_[tried_++], Error(Errc::deadline_exceeded, "not tried, the time was over")});
  }
  return tried_ < uris_.size() ? &uris_[tried_++] : nullptr;
}

std::chrono::nanoseconds RouteSearch::part(TimePoint now) const {
  const auto left = time_until(deadline_, now);
  if (left == std::chrono::nanoseconds::max()) return left;
  return left / static_cast<std::int64_t>(uris_.size() - tried_ + 1);
}

void RouteSearch::failed(Error why) {
  failures_.push_back({uris_[tried_ - 1], std::move(why)});
}

Error nobody_discovered(const std::vector<RouteFailure>& failures) {
  return peers::failure_of_all("Failed to discover peer at any of the provided endpoints",
                               failures);
}

Acquaintances::Acquaintances(NodeCore& core) : core_(core) {
  for (const auto& link : core.peers()) known_.push_back(core.id_of(*link));
}

void Acquaintances::leave(const InstanceId& peer) const {
  if (peer == core_.instance_id()) return;
  if (std::find(known_.begin(), known_.end(), peer) != known_.end()) return;
  // Another thread may have asked for the same peer meanwhile.
  core_.disconnect_if_unshared(core_.peer(peer));
}

}  // namespace trestle
