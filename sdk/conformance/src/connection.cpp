// The order that the events of one connection must keep.
#include "connection.hpp"

#include <trestle/ext/bulk.h>

#include <cstring>

#include "failure.hpp"

namespace trestle::conformance {
namespace {

Violation observe_up(Connection& conn, Origin expected, const char* kind) {
  if (conn.origin != expected)
    return {&rules::order, std::string(kind) + " on a connection of the other kind"};
  if (conn.up) return {&rules::order, std::string("a second ") + kind};
  conn.up = true;
  return {};
}

Violation observe_sent(Connection& conn, const tt_event& event) {
  const auto at = conn.pending.find(event.op);
  const std::string op = "SENT for op " + std::to_string(event.op);
  if (conn.sent.contains(event.op)) return {&rules::lending, op + ", a second time"};
  if (at == conn.pending.end() || at->second.sent)
    return {&rules::lending, op + ", which is not pending"};
  if (event.status > 0)
    return {&rules::lending, op + " with status " + name_of_status(event.status)};
  conn.sent[event.op] = event.status;
  at->second.sent = true;
  if (at->second.answered) conn.pending.erase(at);
  return {};
}

Violation observe_bulk(Connection& conn, const tt_event& event) {
  if (conn.bulk_pending.erase(event.op) == 0) {
    return {&rules::bulk, "BULK for op " + std::to_string(event.op) + ", which is not pending"};
  }
  BulkResult& result = conn.bulk_ended[event.op];
  result.status = event.status;
  const auto* const start = static_cast<const std::byte*>(event.data);
  result.bytes.assign(start, start + event.len);
  return {};
}

Violation observe_writable(Connection& conn) {
  ++conn.writables;
  if (conn.owes_writable) {
    conn.owes_writable = false;
    return {};
  }
  if (conn.sends_running == 0 || conn.early_writable)
    return {&rules::writable, "WRITABLE without TT_E_AGAIN before"};
  conn.early_writable = true;
  return {};
}

Violation observe_closed(Connection& conn, const tt_event& event) {
  conn.closed = true;
  conn.closed_status = event.status;
  if (event.data != nullptr) conn.closed_text = static_cast<const char*>(event.data);
  if (event.status >= 0)
    return {&rules::order, "CLOSED with status " + name_of_status(event.status)};
  if (!conn.bulk_pending.empty()) {
    return {&rules::bulk,
            "CLOSED while " + std::to_string(conn.bulk_pending.size()) + " still wait"};
  }
  for (const auto& [op, send] : conn.pending) {
    if (!send.sent && send.answered) {
      return {&rules::lending, "CLOSED while op " + std::to_string(op) + " still waits for SENT"};
    }
  }
  return {};
}

}  // namespace

Violation observe(Connection& conn, const tt_event& event) {
  if (conn.closed) return {&rules::order, "event " + std::to_string(event.kind) + " after CLOSED"};
  const bool is_packet = event.kind == TT_EV_PACKET;
  conn.trace.push_back(
      {event.kind, is_packet ? length_of(event) : static_cast<std::uint64_t>(-event.status)});
  switch (event.kind) {
    case TT_EV_ACCEPTED:
      return observe_up(conn, Origin::accepted, "ACCEPTED");
    case TT_EV_CONNECTED:
      return observe_up(conn, Origin::connected, "CONNECTED");
    case TT_EV_PACKET:
      ++conn.arrived;
      if (conn.up) return {};
      return {&rules::order, "PACKET before the connection was up"};
    case TT_EV_SENT:
      return observe_sent(conn, event);
    case TT_EV_WRITABLE:
      return observe_writable(conn);
    case TT_EV_BULK:
      return observe_bulk(conn, event);
    case TT_EV_CLOSED:
      return observe_closed(conn, event);
    default:
      return {&rules::kinds, "an event of unknown kind " + std::to_string(event.kind)};
  }
}

std::vector<tt_iov> segments_of(const tt_event& event) {
  if ((event.flags & TT_EVF_SEGS) == 0) return {{event.data, event.len}};
  const auto* segments = static_cast<const tt_iov*>(event.data);
  return {segments, segments + event.len};
}

std::size_t length_of(const tt_event& event) {
  std::size_t length = 0;
  for (const tt_iov& segment : segments_of(event)) length += segment.len;
  return length;
}

std::vector<std::byte> gather(std::span<const tt_iov> segments) {
  std::size_t size = 0;
  for (const tt_iov& segment : segments) size += segment.len;
  std::vector<std::byte> bytes(size);
  std::size_t at = 0;
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;
    std::memcpy(bytes.data() + at, segment.base, segment.len);
    at += segment.len;
  }
  return bytes;
}

}  // namespace trestle::conformance
