// Which sockets may have become ready without their descriptor saying so.
#pragma once

#include <trestle/sdk/host.hpp>

#include <vector>

namespace trestle::zeromq {

/// Something that reads a zmq socket.
class ReadsSocket {
 public:
  ReadsSocket() = default;
  ReadsSocket(const ReadsSocket&) = delete;
  ReadsSocket& operator=(const ReadsSocket&) = delete;
  virtual ~ReadsSocket() = default;

  /// Asks libzmq for ZMQ_EVENTS; true if there is something to do, which is then in the loop's
  /// queue.
  virtual bool check_events() = 0;

 private:
  friend class Readiness;
  bool touched_ = false;
};

/// ZMQ_FD tells of a change once. Any call on a socket may take note of the change instead, and
/// then nobody tells the host: so a socket that was called is asked before the host sleeps, and at
/// once if it sleeps already.
class Readiness {
 public:
  explicit Readiness(sdk::Host host) noexcept : host_(host) {}

  /// A call was made on the reader's socket.
  void touch(ReadsSocket& reader);
  void forget(ReadsSocket& reader);

  /// The host is awake.
  void begin_round() noexcept { asleep_ = false; }

  /// False: there is something to do.
  bool may_sleep();

 private:
  sdk::Host host_;
  std::vector<ReadsSocket*> touched_;
  bool asleep_ = false;
};

}  // namespace trestle::zeromq
