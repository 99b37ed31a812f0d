// A libzmq context with a thread that judges handshakes and ends it.
#pragma once

#include <trestle/sdk/host.hpp>
#include <trestle/sdk/result.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <zmq.hpp>

#include "gate.hpp"
#include "io_threads.hpp"
#include "socket_options.hpp"

namespace trestle::zeromq {

/// One per transport: io_threads is an option of the transport, ZAP is one per context, and what
/// goes wrong in one does not reach the others. Threads: distinct objects safe.
class Context {
 public:
  /// Errors: TT_E_FAILED: too few descriptors, which libzmq would answer with an abort, or no
  /// thread.
  static sdk::Result<std::unique_ptr<Context>> create(sdk::Host host, const SocketOptions& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  zmq::context_t& zmq() noexcept { return context_; }
  Gate& gate() noexcept { return gate_; }
  /// Not once it is ending.
  IoThreads& threads() noexcept { return threads_; }
  std::int64_t io_threads() const noexcept { return io_threads_; }
  std::int64_t max_sockets() const noexcept { return max_sockets_; }

  /// Ends it, in its own thread, which waits for libzmq's. All other sockets were closed before.
  void begin_end() noexcept;
  bool is_ending() const noexcept { return ending_; }
  /// The host is woken when this becomes true.
  bool has_ended() const noexcept;

 private:
  Context(sdk::Host host, const SocketOptions& options);
  void run(zmq::socket_t door) noexcept;

  sdk::Host host_;
  std::int64_t io_threads_;
  std::int64_t max_sockets_;
  IoThreads threads_;
  zmq::context_t context_;
  Gate gate_;
  bool ending_ = false;
  std::atomic<bool> ended_{false};
  std::thread keeper_;
};

}  // namespace trestle::zeromq
