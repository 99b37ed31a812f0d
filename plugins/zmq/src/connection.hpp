// One connection: greeted, then packets both ways, then closed once.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "incoming.hpp"
#include "parcel.hpp"
#include "readiness.hpp"
#include "returned_blocks.hpp"

namespace trestle::zeromq {

/// The way to the other end through a zmq socket.
class Link {
 public:
  enum class Sent {
    yes,
    full,  ///< libzmq takes no more; `Connection::on_room` follows
    gone,  ///< there is no way any more
  };

  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  virtual Sent send(Parcel& parcel) = 0;

  /// Ends the way; nothing comes from it any more. `last`: to be said before, if that is possible.
  virtual void hang_up(std::optional<Control> last) = 0;
};

/// What the host asked of every connection at open.
struct Limits {
  std::uint64_t packet_bytes_max;
  std::uint64_t queue_bytes_max;
  std::chrono::nanoseconds linger;
};

/// What all connections of a transport share. Lifetime: longer than they live.
struct Shared {
  transport_kit::Loop& loop;
  Readiness& readiness;
  ReturnedBlocks& returned;
  LentPackets& packets;
  Limits limits;
};

/// What tt_conn is. Lifetime: until the host frees it, after CLOSED.
class Connection final : public transport_kit::Pollable {
 public:
  Connection(const Shared& shared, std::uint64_t number);
  ~Connection() override;

  /// Says hello through `link`; CONNECTED or CLOSED follows, CLOSED after `timeout` at the latest.
  void greet(std::unique_ptr<Link> link, sdk::ConnectionInfo info,
             std::chrono::nanoseconds timeout);
  /// Answers a hello; ACCEPTED with `cookie` of its listener follows.
  void welcome(std::unique_ptr<Link> link, sdk::ConnectionInfo info, std::uint64_t peer_limit,
               std::uint64_t cookie);
  /// Of this connection alone, instead of the host's.
  void set_limits(const Limits& limits) noexcept { limits_ = limits; }

  std::uint64_t number() const noexcept { return number_; }
  void set_user(void* user) noexcept { user_ = user; }
  const sdk::ConnectionInfo& info() const noexcept { return info_; }
  bool is_closed() const noexcept { return state_ == State::closed; }
  /// Whether what comes from the other side has a meaning.
  bool is_alive() const noexcept { return state_ < State::ending; }
  bool is_up() const noexcept { return state_ == State::up; }

  void close(sdk::CloseMode mode);
  tt_status send(std::span<const tt_iov> segments, std::uint32_t flags, std::uint64_t op);

  /// Whether a packet may be handed in now: one without room for its event would have to be kept.
  bool has_room() const noexcept { return shared_.loop.events().has_room(handle()); }
  /// A message of the other side.
  void take(Incoming& message);
  /// libzmq may take more, or not.
  void on_room();
  /// libzmq has done with a large packet.
  void on_returned(const Block& block);
  /// The way is gone; what had arrived was taken.
  void on_lost(tt_status status, const std::string& why);

  void on_ready(std::uint32_t) override {}
  void on_deadline() override;
  void work() override {}

 private:
  enum class State {
    greeting,  ///< hello is on its way; or nothing is, yet
    up,
    closing,  ///< our bye is on its way; waiting for the other side's end
    ending,   ///< libzmq still has lent memory
    closed,
  };

  // connection.cpp
  void come_up(std::uint16_t event_kind, std::uint64_t aux);
  void take_control(const ControlMessage& message);
  void take_packet(Incoming& message);
  void begin_closing(const ControlMessage& last, tt_status status, std::string why);
  void finish(tt_status status, std::string why, std::optional<Control> last);
  void report_closed();
  tt_conn* handle() const noexcept {
    return reinterpret_cast<tt_conn*>(const_cast<Connection*>(this));
  }
  transport_kit::EventSource source() const noexcept { return {handle(), &user_}; }

  // connection_send.cpp
  tt_status queue_or_send(Parcel parcel);
  bool has_room_in_flight(std::size_t bytes) const noexcept;
  bool has_room_in_queue(std::size_t bytes) const noexcept;
  void enqueue(Parcel parcel);
  void await_room();
  Link::Sent pass_on(Parcel& parcel);
  void send_queue();
  void tell_writable();

  const Shared& shared_;
  Limits limits_;
  const std::uint64_t number_;
  State state_ = State::greeting;
  void* user_ = nullptr;
  std::unique_ptr<Link> link_;
  sdk::ConnectionInfo info_;
  std::uint64_t peer_limit_ = 0;

  std::deque<Parcel> queue_;         ///< what libzmq does not have yet
  std::size_t queued_bytes_ = 0;     ///< of them, with something for each
  std::size_t in_flight_bytes_ = 0;  ///< of accounted packets that libzmq has
  std::size_t lent_ = 0;             ///< TT_PENDING without SENT
  std::size_t refused_bytes_ = 0;    ///< of the send that got TT_E_AGAIN; 0: none
  bool was_refused_ = false;
  bool waits_for_room_ = false;  ///< as ReturnedBlocks knows

  tt_status end_status_ = TT_E_CLOSED;
  std::string end_text_;
};

}  // namespace trestle::zeromq
