// The way of an outgoing connection: a DEALER that connects once and never again.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/loop.hpp>

#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "connection.hpp"
#include "context.hpp"
#include "curve_keys.hpp"
#include "monitor.hpp"
#include "socket_options.hpp"

namespace trestle::zeromq {

/// Where to connect, and how.
struct DealerPlan {
  Scheme scheme;
  std::string endpoint;  ///< as libzmq writes it
  std::string shown;     ///< for texts
  SocketOptions options;
  std::optional<ClientKeys> keys;
  std::uint64_t packet_bytes_max;
};

/// Reads for one connection and sends for it.
class Dealer final : public Link, public ReadsSocket, public transport_kit::Pollable {
 public:
  /// Errors: TT_E_FAILED, TT_E_ADDR: what libzmq says to the endpoint.
  static sdk::Result<std::unique_ptr<Dealer>> open(const Shared& shared, Context& context,
                                                   Connection& connection, const DealerPlan& plan);
  ~Dealer() override;

  Sent send(Parcel& parcel) override;
  void hang_up(std::optional<Control> last) override;

  bool check_events() override;
  void read_on() override { shared_.loop.enqueue(*this); }
  void on_ready(std::uint32_t) override {}
  void on_deadline() override {}
  void work() override { read_messages(); }
  Guess guess() override;

 private:
  Dealer(const Shared& shared, Connection& connection, const DealerPlan& plan);

  void connect(Context& context, const DealerPlan& plan);
  int read_messages();
  void on_drained(int messages);
  bool waits_for_more_than_input() const noexcept { return waits_for_room_ || lost_.has_value(); }
  void on_event(MonitorEvent event);
  void give_up(tt_status status, const std::string& why);

  const Shared& shared_;
  Connection& connection_;
  const std::string shown_;
  const bool with_keys_;
  zmq::socket_t socket_;
  Monitor monitor_;
  int fd_ = -1;
  Incoming incoming_;
  bool handshaken_ = false;
  bool waits_for_room_ = false;     ///< libzmq took no more
  std::optional<sdk::Error> lost_;  ///< the end, once all that arrived was read
};

}  // namespace trestle::zeromq
