// One connection over a connected endpoint: made, then packets both ways, then closed once.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/socket_address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bulk_regions.hpp"
#include "bulk_transfers.hpp"
#include "device.hpp"
#include "fabric_options.hpp"
#include "message_sender.hpp"
#include "packet_assembly.hpp"
#include "parcel.hpp"
#include "receive_window.hpp"
#include "retired_regions.hpp"
#include "room_forecast.hpp"

namespace trestle::ofi {

using transport_kit::SocketAddress;

/// Packets up to this size are always copied.
inline constexpr std::uint32_t copy_bytes_max = 8 * 1024;
/// From this size on lending pays.
inline constexpr std::uint32_t borrow_bytes_min = 16 * 1024;

/// A provider that is full says nothing when it is not any more.
inline constexpr std::chrono::nanoseconds retry_time = std::chrono::milliseconds(1);

/// What the host asked of every connection at open.
struct Limits {
  std::uint64_t packet_bytes_max;
  std::uint64_t queue_bytes_max;
  std::chrono::nanoseconds linger;
  std::uint64_t first_packet_bytes_max;  ///< of accepted connections
};

class Connection;

/// What all connections of a transport share. Lifetime: longer than they live.
struct Shared {
  transport_kit::Loop& loop;
  LentPackets lent;
  const Limits limits;
  RoomBudget room_budget;
  std::vector<Connection*> viewed;  ///< whose receive buffers the host sees until the round ends
};

/// Where a connection may lead: one address, and what is to be opened for it.
struct Route {
  Device* device = nullptr;
  InfoPtr info;
};

/// Finds a route, at the time when the address is tried.
using FindRoute = std::function<sdk::Result<Route>(const SocketAddress&)>;

/// What tt_conn is. Lifetime: until the host frees it, after CLOSED.
class Connection final : public transport_kit::Pollable, public EventSink, public CompletionSink {
 public:
  Connection(Shared& shared, std::uint64_t number, const FabricOptions& options);
  ~Connection() override;

  /// Waits for `dial`, at most the connect timeout. `target`: what the user asked for.
  void await_addresses(std::string target);
  /// Tries the addresses in order; CONNECTED or CLOSED follows.
  void dial(std::vector<SocketAddress> addresses, FindRoute find_route);
  /// Ends a connection whose name could not be looked up.
  void give_up(const std::string& why);
  /// Answers a request; ACCEPTED with `cookie` of its listener follows, unless that fails.
  sdk::Result<> accept(Route route, const Greeting& peer, std::string scheme, std::uint64_t cookie);

  void set_user(void* user) noexcept { user_ = user; }
  const sdk::ConnectionInfo& info() const noexcept { return info_; }
  bool is_closed() const noexcept { return state_ == State::closed; }

  void close(sdk::CloseMode mode);
  tt_status send(std::span<const tt_iov> segments, std::uint32_t flags, std::uint64_t op);
  void set_reading(sdk::Reading reading);

  /// Whether memory can be opened to the other side, and that side's be read: it is up, and the
  /// option bulk is on.
  bool has_bulk() const noexcept { return state_ == State::up && transfers_.has_value(); }
  /// Of one remote read or write.
  std::uint64_t bulk_bytes_max() const noexcept;
  /// As BulkRegions has them, for connections with has_bulk().
  sdk::Result<tt_bulk_region*> offer(std::span<std::byte> bytes, std::uint32_t access,
                                     tt_bulk_range& range);
  void withdraw(const tt_bulk_region* region);
  tt_status retire(const tt_bulk_region* region, std::uint64_t op);
  /// A BULK event follows TT_PENDING.
  tt_status get(const tt_bulk_range& range, std::uint64_t op);
  tt_status put(std::span<const std::byte> bytes, const tt_bulk_range& range, std::uint64_t op);

  /// The host has read what it was shown.
  void recycle();
  /// Whether the other side waits for that.
  bool must_recycle() const noexcept;

 private:
  enum class State {
    dialling,
    accepting,
    up,
    flushing,  ///< our goodbye is on its way, or waits for credits
    draining,  ///< it was sent; waiting for the other side's end
    closed,
  };
  enum class Progress { done, wait };

  // connection.cpp
  void dial_next();
  sdk::Result<> dial_one(const SocketAddress& address);
  sdk::Result<> open_endpoint(Route route);
  void drop_endpoint();
  void come_up(std::uint16_t event_kind);
  void describe_ends();
  void finish(tt_status status, std::string text);
  void finish_later(tt_status status, std::string text);
  void end_of_peer();
  tt_conn* handle() const noexcept {
    return reinterpret_cast<tt_conn*>(const_cast<Connection*>(this));
  }
  transport_kit::EventSource source() const noexcept { return {handle(), &user_}; }
  void on_connected(std::span<const std::byte> greeting) override;
  void on_shutdown() override;
  void on_failure(int number, const std::string& text) override;
  void on_deadline() override;
  void work() override;

  // connection_receive.cpp
  void on_arrival(const Arrival& arrival) override;
  void on_broken(int number, const std::string& text) override;
  void on_batch_end() override;
  bool may_show_at_once(const Arrival& arrival) const noexcept;
  void show(const Arrival& arrival);
  bool take_control(const Arrival& arrival, MessageKind kind);
  void take_grant(std::span<const std::byte> bytes);
  void take_rooms(std::span<const std::byte> bytes);
  void deliver();
  bool hand_out_arrived();
  Progress take_message(const Arrival& arrival, MessageKind kind);
  Progress take_packet(const Arrival& arrival);
  Progress take_first(const Arrival& arrival);
  void refuse_length(std::uint64_t bytes);
  Progress take_part(const Arrival& arrival);
  void note_whole(std::size_t bytes) noexcept;
  void count_room(std::size_t packet_bytes) noexcept;
  bool owes_report() const noexcept;
  void hand_over(MessageBufferPtr memory);
  bool may_hand_over();
  void post_again(std::uint32_t slot);
  bool post_direct(std::uint32_t slot);
  bool post_room(std::uint32_t slot);
  bool may_have_rooms_of(std::size_t more_bytes) const noexcept;
  bool posted(int failed);
  void refuse_peer(const std::string& why);

  // connection_send.cpp
  void on_sent(std::uint32_t message) override;
  bool accepts(std::size_t bytes) const noexcept;
  std::optional<tt_status> inject_now(std::span<const tt_iov> segments, std::size_t bytes);
  tt_status queue(std::span<const tt_iov> segments, std::size_t bytes, std::uint32_t flags,
                  std::uint64_t op);
  void send_queue();
  void send_packets();
  bool send_message(Parcel& parcel);
  bool send_whole(Parcel& parcel);
  bool send_into_room(Parcel& parcel);
  bool send_announcement(Parcel& parcel);
  bool send_part(Parcel& parcel);
  bool send_slice(Parcel& parcel, MessageKind kind, Slice& slice);
  bool went(MessageSender::Outcome outcome);
  void send_control();
  bool tell_grant();
  bool tell_rooms();
  void retire_parcels();
  void drop_parcels(tt_status status);
  void tell_writable();

  // connection_bulk.cpp
  void on_bulk(std::uint32_t operation, int failed, const std::string& text) override;
  void send_bulk();
  void end_bulk(BulkTransfers::Ended ended, tt_status status);
  void drop_bulk(tt_status status);
  void send_fence();
  void end_retired(std::uint32_t message);

  Shared& shared_;
  const std::uint64_t number_;
  const FabricOptions options_;
  State state_ = State::dialling;
  void* user_ = nullptr;
  sdk::ConnectionInfo info_;
  std::uint64_t listener_cookie_ = 0;

  // Dialling.
  std::string scheme_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  FindRoute find_route_;
  std::chrono::nanoseconds dial_until_{};
  std::optional<sdk::Error> first_failure_;

  // The endpoint; what it works on is declared before it, so that it is closed first.
  Device* device_ = nullptr;
  InfoPtr endpoint_info_;
  std::optional<ReceiveWindow> window_;
  std::optional<PacketAssembly> assembly_;
  std::deque<Parcel> parcels_;
  std::optional<MessageSender> sender_;
  std::optional<BulkRegions> regions_;  ///< both only with the option bulk
  std::optional<BulkTransfers> transfers_;
  RetiredRegions retired_;
  Handle<fid_ep> endpoint_;

  // Receiving.
  /// Of a packet that begins: only the first of an accepted connection may be limited further.
  std::uint64_t arriving_bytes_max_ = shared_.limits.packet_bytes_max;
  std::deque<Arrival> arrived_;        ///< and not looked at yet, but for credits
  std::vector<std::uint32_t> viewed_;  ///< slots that the host sees until the round ends
  std::optional<std::uint32_t> direct_slot_;
  std::optional<Grant> grant_to_tell_;
  RoomForecast forecast_;
  std::vector<Room> rooms_to_tell_;
  std::uint64_t rooms_taken_ = 0;  ///< by whole packets
  std::uint64_t rooms_told_taken_ = 0;
  bool paused_ = false;
  std::shared_ptr<HeldPackets> held_;  ///< only with the option rx_hold_max
  bool peer_ended_ = false;            ///< nothing comes after `arrived_`
  bool is_refused_ = false;            ///< and what is in it is not looked at
  std::optional<sdk::Error> end_;      ///< why, if it is known

  // Sending.
  /// Messages without a completion yet, by their numbers; few at a time. Null: it is a fence. A
  /// deque never moves its elements.
  std::vector<std::pair<std::uint32_t, Parcel*>> in_flight_;
  std::size_t first_unposted_ = 0;  ///< in `parcels_`
  std::size_t queued_bytes_ = 0;    ///< of parcels, with something for each
  std::size_t refused_bytes_ = 0;   ///< of the send that got TT_E_AGAIN
  std::chrono::nanoseconds linger_until_{};
};

}  // namespace trestle::ofi
