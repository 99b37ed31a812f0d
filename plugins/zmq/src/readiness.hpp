// Which sockets may have become ready without their descriptor saying so.
#pragma once

#include <trestle/sdk/host.hpp>

#include <vector>

namespace trestle::zeromq {

/// Something that reads a zmq socket.
///
/// Looking for a message in vain costs a system call. So where messages come alone, one is read and
/// no more is looked for: whoever stopped reading early is asked before the host sleeps, which it
/// is anyway, or told to read on if the host does not sleep.
class ReadsSocket {
 public:
  ReadsSocket() = default;
  ReadsSocket(const ReadsSocket&) = delete;
  ReadsSocket& operator=(const ReadsSocket&) = delete;
  virtual ~ReadsSocket() = default;

  /// Asks libzmq for ZMQ_EVENTS; true if there is something to do, which is then in the loop's
  /// queue.
  virtual bool check_events() = 0;
  /// Puts the reading into the loop's queue.
  virtual void read_on() = 0;

 protected:
  /// Whether to look for another message after the `count`-th of this round.
  bool expects_more(int count) const noexcept { return count > 1 || !alone_; }
  /// All was read in this round, `count` messages.
  void note_drained(int count) noexcept {
    if (count > 0) alone_ = count == 1;
  }
  /// There is something to read.
  void note_more() noexcept {
    if (stopped_early_) alone_ = false;
  }

 private:
  friend class Readiness;
  bool touched_ = false;
  bool stopped_early_ = false;
  bool alone_ = false;
};

/// ZMQ_FD tells of a change once. Any call on a socket may take note of the change instead, and
/// then nobody tells the host: so a socket that was called is asked before the host sleeps, and at
/// once if it sleeps already.
class Readiness {
 public:
  explicit Readiness(sdk::Host host) noexcept : host_(host) {}

  /// A call was made on the reader's socket.
  void touch(ReadsSocket& reader);
  /// The reader may have left messages behind. In a round only.
  void stop_early(ReadsSocket& reader);
  void forget(ReadsSocket& reader);

  /// The host is awake.
  void begin_round();

  /// False: there is something to do.
  bool may_sleep();

 private:
  sdk::Host host_;
  std::vector<ReadsSocket*> touched_;
  bool asleep_ = false;
};

}  // namespace trestle::zeromq
