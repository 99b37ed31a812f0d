// What libzmq tells about the connections of one socket.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/loop.hpp>

#include <cstdint>
#include <functional>
#include <zmq.hpp>

namespace trestle::zeromq {

/// An event of zmq_socket_monitor.
struct MonitorEvent {
  std::uint16_t kind = 0;   ///< ZMQ_EVENT_*
  std::uint32_t value = 0;  ///< a descriptor, an errno or a status, by kind
};

/// Reads a socket's monitor and passes its events on, from the loop. It may be closed by what it
/// calls, not destroyed. Lifetime: shorter than the loop and the socket.
class Monitor final : public transport_kit::Pollable {
 public:
  using Listener = std::function<void(MonitorEvent)>;

  Monitor(transport_kit::Loop& loop, Listener listener)
      : loop_(loop), listener_(std::move(listener)) {}
  ~Monitor() override { close(); }

  /// Errors: TT_E_FAILED: no descriptors, or no sockets left in the context.
  sdk::Result<> open(zmq::context_t& context, zmq::socket_t& of, int kinds);
  /// Before the socket that it watches is closed.
  void close() noexcept;

  void on_ready(std::uint32_t) override {}
  void on_deadline() override {}
  void work() override;

  /// Passes on what is there now.
  void read_all();

 private:
  transport_kit::Loop& loop_;
  Listener listener_;
  void* monitored_ = nullptr;
  zmq::socket_t socket_;
  int fd_ = -1;
};

}  // namespace trestle::zeromq
