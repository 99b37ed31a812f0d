// Choosing by reach, with reasons.
#include "peers/candidates.hpp"

#include <algorithm>
#include <utility>

#include "peers/endpoint.hpp"

namespace trestle::peers {
namespace {

/// Known, and not the same. Of one that is not known, a failed connect will tell.
bool is_elsewhere(const HostId& peer, const HostId& own) {
  return !peer.is_nil() && !own.is_nil() && peer != own;
}

RouteCandidate judge(const std::string& uri, const PeerInfo& peer, const HostId& own_host,
                     const FindScheme& find_scheme) {
  RouteCandidate candidate{.uri = uri, .scheme = {}};
  const auto endpoint = Endpoint::parse(uri);
  if (endpoint.has_error()) {
    candidate.why_not = endpoint.error();
    return candidate;
  }
  candidate.scheme = endpoint->scheme;
  auto scheme = find_scheme(endpoint->scheme);
  if (scheme.has_error()) {
    candidate.why_not = std::move(scheme).error();
    return candidate;
  }
  const auto reach = static_cast<Reach>(scheme->reach);
  candidate.reach = reach;
  candidate.plugin = std::move(scheme->plugin);
  if (!is_elsewhere(peer.host, own_host)) return candidate;
  if (reach != Reach::network) {
    candidate.why_not =
        Error(Errc::unreachable, "it reaches no further than its " + std::string(to_string(reach)) +
                                     ", and the peer is on another host");
  } else if (endpoint->is_loopback()) {
    candidate.why_not =
        Error(Errc::unreachable, "it is a loopback address, and the peer is on another host");
  }
  return candidate;
}

}  // namespace

RoutePlan plan_route(const PeerInfo& peer, const HostId& own_host, const FindScheme& find_scheme) {
  RoutePlan plan;
  for (const std::string& uri : peer.address.endpoints()) {
    plan.candidates.push_back(judge(uri, peer, own_host, find_scheme));
  }
  const auto rank = [](const RouteCandidate& candidate) {
    return candidate.why_not ? 1000 : static_cast<int>(*candidate.reach);
  };
  std::stable_sort(plan.candidates.begin(), plan.candidates.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return plan;
}

namespace {

// Of an error that a call ends with: who wants to know more asks plan_route().
constexpr std::size_t failures_told_max = 8;
constexpr std::size_t failure_bytes_max = 256;

std::string cut(const std::string& text) {
  return text.size() <= failure_bytes_max ? text : text.substr(0, failure_bytes_max) + "…";
}

}  // namespace

Error failure_of_all(std::string head, const std::vector<RouteFailure>& failures) {
  if (failures.empty()) return Error(Errc::unreachable, std::move(head));
  Error error = failures.back().why;
  error.text = std::move(head);
  const char* before = ": ";
  for (std::size_t i = 0; i < std::min(failures.size(), failures_told_max); ++i) {
    error.text += before + cut(failures[i].uri) + " (" + cut(failures[i].why.text) + ")";
    before = "; ";
  }
  if (failures.size() > failures_told_max) {
    error.text += "; and " + std::to_string(failures.size() - failures_told_max) + " more";
  }
  return error;
}

}  // namespace trestle::peers

namespace trestle {

Error all_failed(const std::string& peer, const std::vector<RouteFailure>& failures) {
  return peers::failure_of_all("No available endpoint for peer " + peer, failures);
}

}  // namespace trestle
