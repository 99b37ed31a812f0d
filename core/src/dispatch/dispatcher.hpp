// From a request frame to a running handler, and its outcome back.
#pragma once

#include <trestle/context.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/payload.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dispatch/byte_budget.hpp"
#include "dispatch/worker_pool.hpp"
#include "engine/packet_hold.hpp"
#include "peers/connection.hpp"
#include "registry/handler_registry.hpp"

namespace trestle::dispatch {

/// What the dispatcher asks of the node.
class DispatchEvents {
 public:
  virtual Node& node() = 0;
  virtual TimePoint now() const noexcept = 0;
  /// What must outlive an answer that is given later.
  virtual std::shared_ptr<void> keep_alive() = 0;
  /// Runs on the driving thread, without the lock. Lock held or not.
  virtual void defer(std::function<void()> action) = 0;
  /// Runs `send` under the engine's lock and sees to it that its output leaves. Lock not held.
  virtual void send(const std::function<void()>& send) = 0;
  virtual void log_handler_error(std::string_view handler, const Error& error) = 0;

 protected:
  ~DispatchEvents() = default;
};

/// One message on its way to its handler.
struct Message {
  std::shared_ptr<peers::Connection> connection;
  std::shared_ptr<registry::Entry> entry;
  wire::CallId call;
  DeliveryMode mode = DeliveryMode::fire_and_forget;
  Codec codec = Codec::bytes;
  std::optional<TimePoint> deadline;
  ByteBudget::Share share;  // of the bytes that may wait, if the payload is kept
  Payload payload;
};

/// What may wait at once; see NodeOptions.
struct QueueLimits {
  std::size_t messages = 0;  ///< for a permit of one handler
  std::size_t bytes = 0;     ///< of all payloads that are kept beyond the turn
  std::size_t requests = 0;  ///< of one connection, until their outcome is known
};

/// Threads: under the engine's lock for on_request; any, without it, for outcomes.
class Dispatcher {
 public:
  Dispatcher(DispatchEvents& events, const registry::HandlerRegistry& handlers, WorkerPool& pool,
             const QueueLimits& limits)
      : events_(events),
        handlers_(handlers),
        pool_(pool),
        queue_max_(limits.messages),
        requests_max_(limits.requests),
        kept_(limits.bytes) {}

  /// Starts the handler, or refuses at once with a text.
  void on_request(peers::Connection& connection, const wire::Request& request,
                  std::string_view handler, engine::PacketSource& source);

  /// From now on every request is refused as draining.
  void close_gate() noexcept { gate_closed_.store(true, std::memory_order_relaxed); }

  /// Handlers that were started and owe their outcome still.
  std::size_t running() const noexcept { return running_.load(std::memory_order_acquire); }

  std::uint64_t received() const noexcept { return received_; }
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  std::uint64_t handler_errors() const noexcept {
    return handler_errors_.load(std::memory_order_relaxed);
  }

  std::shared_ptr<void> keep_alive() { return events_.keep_alive(); }

  // ---- Outcomes; called by responders, lock not held ----
  void send_reply(Message& message, Encoded reply);
  void send_ack(Message& message);
  void send_failure(Message& message, const Error& error);

 private:
  void refuse(peers::Connection& connection, const wire::Request& request, const Error& error);
  void start(std::shared_ptr<Message> message);
  void run(Message& message);
  void count_started(const Message& message) noexcept;
  void count_ended(const Message& message) noexcept;
  void finish(Message& message);

  DispatchEvents& events_;
  const registry::HandlerRegistry& handlers_;
  WorkerPool& pool_;
  const std::size_t queue_max_;
  const std::size_t requests_max_;
  ByteBudget kept_;
  std::atomic<bool> gate_closed_{false};
  std::atomic<std::size_t> running_{0};  // release on finish pairs with acquire in running()
  std::uint64_t received_ = 0;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> handler_errors_{0};
};

}  // namespace trestle::dispatch
