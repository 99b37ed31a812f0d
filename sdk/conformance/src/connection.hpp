// What the kit knows of a connection, and the rules that its events must keep.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "rule.hpp"

namespace trestle::conformance {

/// A packet that arrived. `bytes` is a copy. A driver that keeps packets knows the original, too:
/// with `rx` the host still holds it, without it lives until the next progress().
struct Arrival {
  std::vector<std::byte> bytes;
  tt_rx* rx = nullptr;
  bool was_held = false;  ///< it came with an rx
  std::vector<tt_iov> original;
};

/// A send that was answered, or will be, with TT_PENDING.
struct PendingSend {
  bool answered = false;  ///< send() returned
  bool sent = false;      ///< SENT came (possibly before send() returned, on another thread)
};

/// What happened to a connection, in order; for comparing runs.
struct TraceEntry {
  std::uint16_t kind = 0;
  std::uint64_t detail = 0;  ///< length of a PACKET, status of the others

  bool operator==(const TraceEntry&) const = default;
};

/// How a get or a put of tt.bulk ended.
struct BulkResult {
  tt_status status = TT_OK;
  std::vector<std::byte> bytes;  ///< a copy of what a get brought
};

enum class Origin { connected, accepted };

/// Threads: under its driver's lock.
struct Connection {
  tt_conn* handle = nullptr;
  Origin origin = Origin::connected;
  bool up = false;
  bool closed = false;
  bool freed = false;
  tt_status closed_status = TT_OK;
  std::string closed_text;
  std::deque<Arrival> arrivals;
  std::size_t arrived = 0;  ///< packets, also those taken out of `arrivals`

  std::map<std::uint64_t, PendingSend> pending;  ///< by op, until SENT
  std::map<std::uint64_t, tt_status> sent;       ///< by op
  std::set<std::uint64_t> bulk_pending;          ///< gets and puts, by op
  std::map<std::uint64_t, BulkResult> bulk_ended;
  unsigned sends_running = 0;
  bool owes_writable = false;
  bool early_writable = false;  ///< came while the send() that got TT_E_AGAIN had not returned
  unsigned writables = 0;
  std::vector<TraceEntry> trace;
};

/// The rule that `event` breaks on this connection, if any; then takes it into the connection's
/// state.
Violation observe(Connection& conn, const tt_event& event);

/// Where the bytes of a PACKET event are, and how many.
std::vector<tt_iov> segments_of(const tt_event& event);
std::size_t length_of(const tt_event& event);
std::vector<std::byte> gather(std::span<const tt_iov> segments);

}  // namespace trestle::conformance
