// How the kernel treats the threads with which libzmq moves bytes.
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <vector>

namespace trestle::zeromq {

/// The I/O threads of one context. Whichever becomes ready takes the CPU from who runs there, as
/// Linux lets those come first who slept. Where that is the host's thread, which polls and offers
/// the CPU anyway, it costs two switches for each packet, and often an interrupt of another CPU.
/// So they may be put into SCHED_BATCH: then they wait until it offers the CPU. Those that have
/// another policy than SCHED_OTHER were given it by somebody, and keep it.
/// Threads: distinct objects safe.
class IoThreads {
 public:
  /// `number`: of a context, before the names of its threads (ZMQ_THREAD_NAME_PREFIX).
  IoThreads(int number, std::size_t count) noexcept : number_(number), count_(count) {}

  int number() const noexcept { return number_; }

  /// Whether they wait until the CPU is offered; else they are as they were. Not once the context
  /// is ending.
  void wait_for_offers(bool wait) noexcept {
    if (wait != wait_) apply(wait);
  }

 private:
  void apply(bool wait) noexcept;
  void find();

  /// They name themselves when they have started, which is long before anybody polls.
  static constexpr int searches_max = 4;

  const int number_;
  const std::size_t count_;
  std::vector<pid_t> threads_;  ///< whose policy is nobody else's business
  int searches_left_ = searches_max;
  bool wait_ = false;
};

}  // namespace trestle::zeromq
