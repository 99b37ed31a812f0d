// What the connections of a transport over stream sockets share: the loop, memory, limits, trains.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/receive_memory.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace trestle::transport_kit {

class StreamConnection;

/// Lifetime: longer than the connections. Threads: distinct objects safe.
class StreamShared {
 public:
  /// The URI that stands for an address.
  using NameAddress = std::string (*)(const Address&);

  /// The limits come from `options`.
  StreamShared(std::unique_ptr<Loop> its_loop, const sdk::OpenOptions& options,
               NameAddress its_name = &uri_of)
      : loop(std::move(its_loop)),
        memory(*loop, options.packet_bytes_max),
        name(its_name),
        packet_bytes_max(options.packet_bytes_max),
        first_packet_bytes_max(options.first_packet_bytes_max),
        queue_bytes_max(options.queue_bytes_max),
        linger(options.linger) {}

  /// Drives all sockets.
  const std::unique_ptr<Loop> loop;
  /// Of what arrives.
  ReceiveMemory memory;
  /// For what tt_conn_info says of both ends.
  const NameAddress name;
  /// Larger packets end a connection.
  const std::uint64_t packet_bytes_max;
  /// Of connections that were accepted, the first packet.
  const std::uint64_t first_packet_bytes_max;
  /// Unsent per connection; then TT_E_AGAIN.
  const std::uint64_t queue_bytes_max;
  /// For what is unsent at a close.
  const std::chrono::nanoseconds linger;

  /// To be called in every round, after it began: views of earlier rounds end, trains leave.
  void begin_round();
  /// Lets what was gathered by TT_SEND_MORE leave.
  void flush();

 private:
  friend class StreamConnection;

  std::vector<StreamConnection*> trains_;  ///< connections that gather
};

}  // namespace trestle::transport_kit
