// What a message builder has gathered.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <trestle/detail/open_call.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/peer.hpp>

namespace trestle::detail {

/// Copies share one payload. Threads: distinct objects safe, also copies of one.
class TRESTLE_EXPORT MessageDraft {
 public:
  MessageDraft(std::string_view handler, std::optional<Peer> target)
      : handler_(handler), target_(std::move(target)) {}

  /// As calls build their arguments.
  template <class T, class... Arguments>
  static T make(Arguments&&... build) {
    return Peer::make<T>(std::forward<Arguments>(build)...);
  }

  void set_payload(Codec codec, Payload payload);
  /// Whoever sends learns why.
  void set_fault(Error fault) { fault_ = std::move(fault); }
  void set_codec(Codec codec);
  void set_timeout(std::chrono::nanoseconds timeout) { timeout_ = timeout; }
  void set_deadline(TimePoint deadline) { deadline_ = deadline; }
  void set_stop(std::stop_token stop) { stop_ = std::move(stop); }
  void set_retry(RetryPolicy retry) { retry_ = retry; }
  void set_target(Peer target) { target_ = std::move(target); }
  Headers& headers() noexcept { return headers_; }
  /// For typed payloads: as set, or else the target's.
  Codec codec() const;

  /// To `to`, or else to the target. `action` names the function that needs it, for errors.
  Result<MessageId> admit(std::string_view action) const;
  Result<OpenCall> open(const Peer* to, std::string_view action, DeliveryMode mode,
                        CallDemand demand = {}) const;
  /// Waits until the handler ended.
  Result<MessageId> confirm(const Peer* to, std::string_view action) const;
  /// Waits until the handler starts; its response follows.
  Result<OpenCall> open_accepted(const Peer* to, std::string_view action) const;

 private:
  /// `once(peer)`, as often as the peer's retry policy says.
  template <class Attempt>
  Result<void> attempt(const Peer& peer, Attempt once) const;
  Result<Peer> addressee(const Peer* to, std::string_view action) const;
  Result<Encoded> argument(const Peer& to) const;
  CallOptions options(const CallOptions& of_peer) const;

  std::string handler_;
  std::optional<Peer> target_;
  std::optional<Error> fault_;
  std::shared_ptr<const Payload> payload_;
  Codec payload_codec_ = Codec::bytes;
  std::optional<Codec> codec_;
  std::optional<std::chrono::nanoseconds> timeout_;
  std::optional<TimePoint> deadline_;
  std::optional<std::stop_token> stop_;
  std::optional<RetryPolicy> retry_;
  Headers headers_;
};

}  // namespace trestle::detail
