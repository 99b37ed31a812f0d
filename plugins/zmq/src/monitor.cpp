// Opening and reading monitors.
#include "monitor.hpp"

#include <sys/epoll.h>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "zmq_error.hpp"

namespace trestle::zeromq {
namespace {

/// Names within a context; unique in the process, which costs nothing.
std::string next_name() {
  static std::atomic<std::uint64_t> count{0};
  // relaxed: only uniqueness counts.
  return "inproc://monitor-" + std::to_string(count.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace

sdk::Result<> Monitor::open(zmq::context_t& context, zmq::socket_t& of, int kinds) {
  const std::string name = next_name();
  if (zmq_socket_monitor(of.handle(), name.c_str(), kinds) != 0) {
    return zmq_failure("cannot monitor a socket", zmq_errno());
  }
  monitored_ = of.handle();
  try {
    socket_ = zmq::socket_t(context, zmq::socket_type::pair);
    // libzmq's thread would wait, and all connections with it, if the host were slow to read.
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect(name);
    fd_ = socket_.get(zmq::sockopt::fd);
  } catch (const zmq::error_t& failed) {
    return zmq_failure("cannot read a monitor", failed.num());
  }
  const int error = loop_.watch(fd_, *this, EPOLLIN);
  if (error != 0) return zmq_failure("cannot watch a monitor", error);
  loop_.enqueue(*this);  // what came before is not told again
  return {};
}

void Monitor::close() noexcept {
  loop_.forget(*this);
  // First of all: with nobody to read it, libzmq's thread would wait for ever at the next event.
  if (monitored_ != nullptr) zmq_socket_monitor(std::exchange(monitored_, nullptr), nullptr, 0);
  if (fd_ >= 0) loop_.unwatch(std::exchange(fd_, -1));
  socket_.close();
}

void Monitor::work() {
  read_all();
}

void Monitor::read_all() {
  zmq::message_t frame;
  while (socket_ && zmq_msg_recv(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) >= 0) {
    MonitorEvent event;
    if (frame.size() >= sizeof(event.kind) + sizeof(event.value)) {
      const auto* bytes = static_cast<const std::byte*>(frame.data());
      std::memcpy(&event.kind, bytes, sizeof(event.kind));
      std::memcpy(&event.value, bytes + sizeof(event.kind), sizeof(event.value));
    }
    while (frame.more() && zmq_msg_recv(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) >= 0) {
    }
    listener_(event);
  }
}

}  // namespace trestle::zeromq
