// What a connection tells the node above it, and asks of it.
#pragma once

#include <trestle/error.hpp>
#include <trestle/ids.hpp>
#include <trestle/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/transport.hpp"
#include "peers/handler_names.hpp"
#include "wire/frame.hpp"

namespace trestle::dispatch {
struct KeptMessage;
}

namespace trestle::peers {

class Connection;
struct BlockedSend;

/// What becomes of a connection after its hello.
enum class Admission {
  now,
  later,  // admit_held() or refuse_held() follows
};

/// Who opened a connection.
enum class Opener { us, peer };

/// What is known of a peer once its hello was accepted.
struct PeerFacts {
  InstanceId instance;
  std::uint64_t incarnation = 0;
  std::uint32_t connection = 0;  // the peer's own number of this connection
  std::size_t frame_bytes_max = 0;
  std::uint32_t window = 0;  // requests that it takes at once; 0: unbounded
};

/// Whether messages that expect nothing are known one by one until they are done.
enum class MessageNotes { none, each };

/// What is known of one.
struct MessageNote {
  std::string handler;
  std::size_t payload_bytes = 0;
};

/// Messages that expected nothing, and what is known of their loss.
struct Losses {
  std::size_t unsent = 0;
  std::size_t in_doubt = 0;  // they left
  // As far as there are notes: first of those in doubt, then of those unsent.
  std::vector<MessageNote> notes{};
};

/// What a connection asks of the node above it. Called with the engine's lock held.
class ConnectionEvents {
 public:
  /// The first frame of the connection of that number.
  virtual wire::Hello own_hello(std::uint32_t number) const = 0;
  /// Decides on a peer's hello. An error refuses it, and the peer is told the text.
  virtual Result<Admission> on_hello(Connection& connection, const PeerFacts& peer) = 0;
  /// The handshake is done; requests flow.
  virtual void on_open(Connection& connection) = 0;
  /// The headers may be moved from.
  virtual void on_request(Connection& connection, wire::Request& request, HandlerName& handler,
                          engine::PacketSource& source) = 0;
  /// The peer takes no outcome of that message any more.
  virtual void on_cancel(std::shared_ptr<dispatch::KeptMessage> message) = 0;
  /// There is no connection any more that could carry its outcome.
  virtual void on_caller_lost(std::shared_ptr<dispatch::KeptMessage> message) = 0;
  /// `send` need not wait any more: it was sent, or never will be.
  virtual void on_admitted(BlockedSend& send, Result<wire::CallId> admitted) = 0;
  /// Where payloads go that were sent: they are destroyed once the lock is dropped.
  virtual std::vector<Payload>& spent_payloads() = 0;
  /// Destroys `spent` without the lock, once nothing on any stack can refer to it.
  virtual void bury(std::shared_ptr<void> spent) = 0;
  virtual void on_stray_outcome() = 0;
  /// A request that asked for what this version does not know; it was answered.
  virtual void on_rejected(Connection& connection, const wire::Rejected& rejected) = 0;
  virtual void on_protocol_error(Connection& connection, const Error& error) = 0;
  /// The handshake failed on this side; the connection will close.
  virtual void on_refused(Connection& connection, const Error& why) = 0;
  /// It ends, and what had left was told so. True: a successor has taken over the rest.
  virtual bool find_successor(Connection& lost, Error& why) = 0;
  /// Never called with nothing lost.
  virtual void on_messages_lost(Connection& connection, const Error& why, const Losses& lost) = 0;
  virtual void on_closed(Connection& connection, const Error& why) = 0;
  /// There is something to flush at the end of the turn.
  virtual void on_output(Connection& connection) = 0;
  /// What came is more than the connection's share of the turn: read_on() in the next one.
  virtual void on_input_waiting(Connection& connection) = 0;
  /// A packet of `bytes` wants to go to the other end of a loopback. False: not now; on_writable()
  /// of `from` says when.
  virtual bool has_loopback_room(Connection& from, std::size_t bytes) = 0;
  virtual void on_loopback(Connection& to, Payload packet) = 0;

 protected:
  ~ConnectionEvents() = default;
};

}  // namespace trestle::peers
