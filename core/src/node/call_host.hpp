// What calls need of the node that makes them.
#pragma once

#include <trestle/node.hpp>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "engine/leadership.hpp"
#include "peers/connection.hpp"
#include "peers/peer_table.hpp"

namespace trestle::detail {
class CallState;
class PlainCall;
}  // namespace trestle::detail

namespace trestle {

/// Called with the engine's lock held, where not said otherwise.
class CallHost {
 public:
  /// The connection for a request; one is made if there is none.
  virtual Result<peers::Connection*> route(detail::PeerLink& link, TimePoint deadline) = 0;
  /// Whether this thread may wait. Lock not needed.
  virtual Result<void> may_wait_here() const = 0;
  /// Waits until `waiter` is done; the lock is not held afterwards. False: nothing is left that
  /// could bring it.
  virtual bool wait(engine::Lock& lock, engine::Waiter& waiter) = 0;
  /// Whether this thread runs user code of a turn: what it sends leaves at the turn's end. Lock not
  /// needed.
  virtual bool is_in_turn() const = 0;
  /// Sends what waits in the order of arrival.
  virtual void flush_outputs() = 0;
  /// The same, and what was held back for more to leave with.
  virtual void flush_all() = 0;
  /// Lets it leave, now or together with what follows within the send delay.
  virtual void flush_soon(const peers::Connection& connection, TimePoint now) = 0;
  /// The same for full packets of a train; what it began behind them is held for longer.
  virtual void flush_full(peers::Connection& connection, TimePoint now) = 0;
  /// Payloads that were sent, or never will be.
  virtual std::vector<Payload>& spent_payloads() = 0;
  /// Destroys them, without the lock.
  virtual void drop_spent(engine::Lock& lock) = 0;
  /// Has the next turn, or this one, run what is due of that call's completions.
  virtual void complete_soon(std::shared_ptr<detail::CallState> call) = 0;
  virtual void complete_soon(std::unique_ptr<detail::PlainCall> call) = 0;
  /// No turn follows any more.
  virtual bool is_undriven() const = 0;
  /// The node takes on nothing new. Once true, always; lock not needed, but to rely on a false.
  virtual bool is_closing() const = 0;
  /// Lock not needed.
  virtual void log(LogLevel level, std::string text) = 0;

 protected:
  ~CallHost() = default;
};

/// Runs a completion of the application, which may throw. Lock not held.
template <class Code>
void run_completion(CallHost& host, Code code) noexcept {
  try {
    code();
  } catch (const std::exception& e) {
    host.log(LogLevel::error, std::string("the completion of a call threw: ") + e.what());
  } catch (...) {
    host.log(LogLevel::error, "the completion of a call threw an exception of unknown type");
  }
}

}  // namespace trestle
