// Peers that were lost: dialled again, while what had not left waits for them.
#pragma once

#include <trestle/node.hpp>

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string_view>

#include "engine/engine.hpp"
#include "peers/peer_link.hpp"

namespace trestle {

using PeerLinkPtr = std::shared_ptr<detail::PeerLink>;

/// What dialling again needs of the node. Called with the engine's lock held.
class RedialHost {
 public:
  /// A connection to that peer that has not begun, with a number of its own.
  virtual std::shared_ptr<peers::Connection> make_waiting(detail::PeerLink& link) = 0;
  /// A connection of the same peer and number that has not begun.
  virtual std::shared_ptr<peers::Connection> make_successor(peers::Connection& lost) = 0;
  /// Dials its peer.
  virtual Result<void> begin(peers::Connection& connection) = 0;
  /// Another connection to that peer, which may take so long to come up.
  virtual Result<peers::Connection*> dial_again(detail::PeerLink& link,
                                                std::chrono::nanoseconds at_most) = 0;
  virtual bool may_redial() const = 0;

 protected:
  ~RedialHost() = default;
};

/// A peer that had always connected to this node cannot be dialled: for reconnect_window its calls
/// wait for it to connect again.
///
/// An established peer that is lost, and that neither side wanted to leave, is dialled again and
/// again, with exponential backoff and full jitter. For reconnect_window its calls wait; those that
/// had left are never sent again. Threads: under the engine's lock.
class Redials {
 public:
  Redials(RedialHost& host, engine::Engine& engine, const NodeOptions& options, std::uint64_t seed)
      : host_(host),
        engine_(engine),
        options_(options),
        random_(static_cast<std::minstd_rand::result_type>(seed)) {}

  /// `ended` has ended. True: a successor has taken over what had not left.
  bool on_ended(peers::Connection& ended, const Error& why);
  /// That peer is back.
  void on_open(peers::Connection& connection);
  /// Where calls wait for a lost peer that has to come by itself; null if there is nothing to wait
  /// for any more.
  peers::Connection* await(detail::PeerLink& link);
  /// It is not wanted back.
  void forget(const detail::PeerLink& link);
  void stop() {
    lost_.clear();
    awaited_.clear();
  }

  /// Whether that peer is lost.
  bool is_lost(const detail::PeerLink& link) const noexcept;
  /// The call that dials a lost peer does so for all.
  void adopt(detail::PeerLink& link, peers::Connection& connection);
  /// What waits to dial `uri` does so now.
  void hurry(std::string_view uri);

 private:
  struct Lost final : engine::Timer {
    Lost(Redials& r, PeerLinkPtr l, Error w, TimePoint until)
        : redials(r), link(std::move(l)), why(std::move(w)), window_until(until) {}
    void expire() override { redials.on_time(*this); }

    Redials& redials;
    const PeerLinkPtr link;
    const Error why;
    const TimePoint window_until;
    bool has_window = true;                // calls wait for it
    peers::Connection* attempt = nullptr;  // the latest, unless it failed
    bool is_dialling = false;              // `attempt` does
    unsigned failures = 0;
  };

  void on_time(Lost& lost);
  void end_window(Lost& lost);
  void hand_over(Lost& lost, peers::Connection& back);
  /// The same for one whose calls waited.
  bool begin_waiting(peers::Connection& ended, const Error& why);
  void schedule(Lost& lost);
  std::chrono::nanoseconds next_delay(unsigned failures);
  Lost* find(const peers::Connection& attempt) noexcept;
  Lost* find(const detail::PeerLink& link) noexcept;
  void erase(const Lost& lost);

  RedialHost& host_;
  engine::Engine& engine_;
  const NodeOptions& options_;
  std::minstd_rand random_;
  std::list<Lost> lost_;
  std::map<InstanceId, TimePoint> awaited_;  // lost peers that cannot be dialled, and until when
};

}  // namespace trestle
