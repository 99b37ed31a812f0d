// The frames that two nodes exchange, as values. Bytes: docs/wire_protocol.md.
#pragma once

#include <trestle/codec_id.hpp>
#include <trestle/contract.hpp>
#include <trestle/delivery_mode.hpp>
#include <trestle/error.hpp>
#include <trestle/headers.hpp>
#include <trestle/ids.hpp>
#include <trestle/payload.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace trestle::wire {

inline constexpr std::uint8_t protocol_version = 1;

/// Names one call on one connection: a slot of the caller's table and the slot's generation.
/// Messages that expect nothing back carry `no_slot` and a running number as generation.
struct CallId {
  static constexpr std::uint32_t slot_bits = 20;
  static constexpr std::uint32_t no_slot = (1u << slot_bits) - 1;

  std::uint64_t value = no_slot;

  static constexpr CallId make(std::uint32_t slot, std::uint64_t generation) noexcept {
    return {(generation << slot_bits) | slot};
  }
  constexpr std::uint32_t slot() const noexcept {
    return static_cast<std::uint32_t>(value) & no_slot;
  }
  constexpr std::uint64_t generation() const noexcept { return value >> slot_bits; }
  constexpr bool expects_outcome() const noexcept { return slot() != no_slot; }

  friend constexpr auto operator<=>(const CallId&, const CallId&) noexcept = default;
};

enum class FrameKind : std::uint8_t {
  hello = 1,
  request = 2,
  accepted = 3,
  ack = 4,
  nack = 5,
  reply = 6,
  cancel = 7,
  ping = 8,
  pong = 9,
  goodbye = 10,
  window = 11,
  pull = 12,
  pulled = 13,
  // 16 … 31 are kept for streams.
};

/// The name that error texts and logs use, such as "request"; "unknown" for other numbers.
std::string_view to_string(FrameKind kind) noexcept;

// Members have initialisers so that designated ones may leave out any of them.

/// Tells who is there, what it can do, and its limits. The first frame both ways.
struct Hello {
  std::uint8_t version_min = protocol_version;
  std::uint8_t version_max = protocol_version;
  std::uint64_t features = 0;  ///< bits, see wire::feature
  InstanceId instance{};
  std::uint64_t incarnation = 0;              ///< grows with each start of the same instance
  std::uint32_t connection = 0;               ///< the sender's running number of this connection
  std::array<std::uint8_t, 16> host{};        ///< equal on the same host and network namespace
  std::uint32_t frame_bytes_max = 0;          ///< largest frame that the sender of this hello takes
  std::uint32_t window = 0;                   ///< requests it takes at once; 0: unbounded
  std::vector<std::string_view> endpoints{};  ///< advertised URIs
  BytesView authentication{};                 ///< reserved
};

/// Asks the peer to run a handler.
struct Request {
  CallId call{};
  std::uint32_t handler = 0;  ///< number of the handler's name on this connection; 0: none
  DeliveryMode mode = DeliveryMode::fire_and_forget;
  Codec codec = Codec::bytes;
  std::uint32_t deadline_ms = 0;    ///< time left; 0: none
  std::string_view handler_name{};  ///< present when the number is used first, or is 0
  BytesView payload{};
  bool wants_accepted = false;  ///< tell when the handler starts
  Headers headers{};
  std::optional<Expectation::Response> expected_response{};  ///< for modes with a receipt
  std::string_view expected_type{};                          ///< of a typed response
};

/// The handler is about to start, or, for modes with a receipt, was found to be what the sender
/// expects; then its contract is told.
struct Accepted {
  CallId call{};
  std::optional<HandlerKind> kind{};
  std::string_view request_type{};
  std::string_view response_type{};
};

struct Ack {
  CallId call{};
};

/// Says why a call has no other outcome. A code that this version does not know keeps its number
/// (named "unknown"); a `ran` that it does not know reads as Ran::maybe, which promises nothing.
struct Nack {
  CallId call{};
  Errc code = Errc::handler_failed;
  Ran ran = Ran::no;
  std::string_view text{};
};

struct Reply {
  CallId call{};
  Codec codec = Codec::bytes;
  BytesView payload{};
  Headers headers{};
};

struct Cancel {
  CallId call{};
};

struct Ping {
  std::uint64_t cookie = 0;
};

struct Pong {
  std::uint64_t cookie = 0;
};

/// No more requests from the sender of this frame, and none are welcome.
struct Goodbye {
  Errc code = Errc::draining;
  std::string_view text{};
};

struct Window {
  std::uint32_t credits = 0;
};

/// Stands for a request or a reply whose payload the reader gets out of the sender's memory.
struct Pull {
  std::uint64_t lease = 0;  ///< for Pulled; the sender's running number
  std::uint64_t key = 0;    ///< of the memory, as the transport gave it
  std::uint64_t address = 0;
  BytesView frame{};  ///< of that frame all but the payload
  std::size_t payload_bytes = 0;
  std::optional<std::uint32_t> payload_sum{};  ///< CRC-32C, where packets have checksums
};

/// The reader of a Pull has the payload, or will not need it.
struct Pulled {
  std::uint64_t lease = 0;
};

/// A kind that this version does not know; skipped.
struct UnknownFrame {
  std::uint8_t kind = 0;
};

/// A well-formed request that asks for what this version does not know. The connection is sound:
/// whoever reads this answers with a nack of `code` and `text`, Ran::no, if the call expects an
/// outcome, and still binds the name to the number, because the sender will not repeat the name.
struct Rejected {
  CallId call{};
  Errc code = Errc::protocol_error;  ///< or kind_mismatch (mode), undecodable (codec)
  std::string text{};
  std::uint32_t handler = 0;        ///< as in Request
  std::string_view handler_name{};  ///< as in Request
};

/// A well-formed reply that this version cannot use: its call ends with bad_reply, Ran::yes.
struct UnusableReply {
  CallId call{};
  std::string text{};
};

/// What a reader yields; the last three are never written.
using Frame = std::variant<Hello, Request, Accepted, Ack, Nack, Reply, Cancel, Ping, Pong, Goodbye,
                           Window, Pull, Pulled, UnknownFrame, Rejected, UnusableReply>;

}  // namespace trestle::wire
