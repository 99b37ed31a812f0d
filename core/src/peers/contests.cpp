// Pinging the earlier one.
#include "peers/contests.hpp"

#include <algorithm>

#include "peers/peer_link.hpp"

namespace trestle::peers {
namespace {

/// The open connection to an earlier start of `peer`, if there is one.
Connection* find_earlier(const detail::PeerLink& known, const PeerFacts& peer) {
  const auto found =
      std::find_if(known.connections.begin(), known.connections.end(), [&](const auto& connection) {
        return connection->is_open() && connection->peer().incarnation < peer.incarnation;
      });
  return found != known.connections.end() ? found->get() : nullptr;
}

}  // namespace

Contests::Contest::~Contest() {
  if (!is_armed()) earlier->abandon(ping);
}

bool Contests::admits(Connection& newcomer, const PeerFacts& peer, const detail::PeerLink* known) {
  Connection* earlier = known != nullptr ? find_earlier(*known, peer) : nullptr;
  if (earlier == nullptr) return true;
  Contest& contest = contests_.emplace_back(*this, newcomer, *earlier);
  const auto ping = earlier->send_ping(contest, engine_.time_after(time_));
  if (ping.has_value()) {
    contest.ping = *ping;
  } else {
    // No room for one more call: it is busy with the others, and alive.
    contest.has_answered = true;
    engine_.arm_timer(contest, engine_.now());
  }
  return false;
}

void Contests::Contest::complete(Result<Encoded>&& outcome) noexcept {
  has_answered = outcome.has_value();
  contests.engine_.arm_timer(*this, contests.engine_.now());
}

void Contests::settle(Contest& contest) {
  const auto newcomer = contest.newcomer;
  const auto earlier = contest.earlier;
  const bool has_answered = contest.has_answered;
  contest.ping = wire::CallId();
  contests_.remove_if([&](const Contest& other) { return &other == &contest; });
  const std::string name = to_string(newcomer->peer().instance);
  if (has_answered && earlier->is_open()) {
    newcomer->refuse_held(Error(
        Errc::stale_incarnation,
        "instance " + name + " is connected already, as incarnation " +
            std::to_string(earlier->peer().incarnation) + ", which is alive: this is incarnation " +
            std::to_string(newcomer->peer().incarnation) + " of another process"));
    return;
  }
  if (earlier->is_open()) {
    earlier->evict(Error(
        Errc::connection_lost,
        "instance " + name + " was started again, and its earlier start did not answer a ping"));
  }
  newcomer->admit_held();
}

}  // namespace trestle::peers
