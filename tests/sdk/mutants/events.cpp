// progress() and arm(): events on their way out, with the bugs of those.
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "mutant.hpp"

namespace mutant {
namespace {

constexpr std::size_t page = 4096;

using Events = std::vector<tt_event>;

Conn& conn_of(Transport& mine, const tt_event& event) {
  const auto known = mine.conns.find(event.conn);
  if (known != mine.conns.end()) return *known->second;
  auto conn = std::make_unique<Conn>();
  conn->inner = event.conn;
  mine.accepted.push_back(event.conn);
  return *mine.conns.emplace(event.conn, std::move(conn)).first->second;
}

/// False if the packet is lost.
bool distort_packet(Transport& mine, tt_event& event) {
  ++mine.packets;
  if (has(Bug::every_100th_dropped) && mine.packets % 100 == 0) {
    if (event.rx != nullptr) inner().rx_release(mine.inner, event.rx);
    return false;
  }
  if (has(Bug::progress_works_long) && mine.packets == 10'000) burn_processor_time();
  if (event.rx != nullptr) ++mine.held;
  if (has(Bug::cut_at_a_page) && event.len == page) --event.len;
  if (has(Bug::byte_spoiled_behind_a_page) && event.len > page) {
    // The inner transport's own receive buffer.
    auto* const bytes = static_cast<unsigned char*>(const_cast<void*>(event.data));
    bytes[page] = static_cast<unsigned char>(bytes[page] ^ 1u);
  }
  if (has(Bug::batch_in_one_buffer) && event.rx == nullptr) {
    mine.shared_buffer.resize(256 * 1024);
    const auto* const bytes = static_cast<const std::byte*>(event.data);
    std::copy(bytes, bytes + event.len, mine.shared_buffer.begin());
    event.data = mine.shared_buffer.data();
  }
  if (has(Bug::shows_returned_memory) && event.rx == nullptr && event.len > 0) {
    void* const gone = mine.outer->alloc(mine.outer, event.len, 1);
    event.data = std::memcpy(gone, event.data, event.len);
    mine.outer->dealloc(mine.outer, gone, event.len, 1);
  }
  if (has(Bug::sends_from_the_receive_buffer) && event.rx == nullptr) {
    mine.shown = {static_cast<std::byte*>(const_cast<void*>(event.data)), event.len};
  }
  if (has(Bug::held_memory_reused) && event.rx != nullptr) {
    inner().rx_release(mine.inner, event.rx);
  }
  return true;
}

/// True if the old connection goes on as a new one to the same address.
bool revive(Transport& mine, Conn& conn, const tt_event& event) {
  if (!has(Bug::resurrection) || conn.uri.empty() || !conn.was_up) return false;
  if (event.status != TT_E_RESET) return false;
  tt_error error{};
  error.size = sizeof(error);
  tt_conn* fresh = nullptr;
  if (inner().connect(mine.inner, inward(conn.uri).c_str(), &conn, &fresh, &error) != TT_OK) {
    return false;
  }
  auto owned = mine.conns.extract(conn.inner);
  inner().conn_free(mine.inner, conn.inner);
  conn.inner = fresh;
  conn.revived = true;
  owned.key() = fresh;
  mine.conns.insert(std::move(owned));
  return true;
}

void take_closed(Transport& mine, Conn& conn, tt_event& event, Events& out) {
  if (revive(mine, conn, event)) return;
  if (has(Bug::garbage_aborts) && event.status == TT_E_PROTOCOL) ::abort();
  if (has(Bug::connect_waits_for_ever) && event.status == TT_E_TIMEDOUT) return;
  if (has(Bug::refusal_misnamed) && event.status == TT_E_REFUSED) event.status = TT_E_FAILED;
  if (has(Bug::kill_looks_orderly) && event.status == TT_E_RESET) event.status = TT_E_CLOSED;
  conn.closed = true;
  conn.owes_writable = false;
  out.push_back(event);
  if (has(Bug::closed_doubled)) out.push_back(event);
  if (has(Bug::event_after_closed)) {
    event.kind = TT_EV_WRITABLE;
    event.status = TT_OK;
    event.data = nullptr;
    out.push_back(event);
  }
}

void take_up(Conn& conn, tt_event& event, Events& out) {
  if (conn.revived && event.kind == TT_EV_CONNECTED) return;
  conn.was_up = true;
  if (has(Bug::accepted_without_cookie)) event.aux = 0;
  out.push_back(event);
  if (has(Bug::connected_doubled) && event.kind == TT_EV_CONNECTED) out.push_back(event);
}

void take_conn_event(Transport& mine, tt_event event, Events& out) {
  Conn& conn = conn_of(mine, event);
  event.conn = handle(conn);
  event.user = conn.user;
  switch (event.kind) {
    case TT_EV_ACCEPTED:
    case TT_EV_CONNECTED:
      return take_up(conn, event, out);
    case TT_EV_PACKET:
      conn.leads_outside = has(Bug::asleep_to_the_outside) && !is_at_home(conn.uri);
      if (distort_packet(mine, event)) out.push_back(event);
      return;
    case TT_EV_SENT:
      if (has(Bug::sent_lost_on_abort) && event.status < 0) return;
      if (has(Bug::sent_doubled)) out.push_back(event);
      out.push_back(event);
      return;
    case TT_EV_WRITABLE:
      conn.owes_writable = false;
      if (has(Bug::writable_doubled)) out.push_back(event);
      if (!has(Bug::writable_lost)) out.push_back(event);
      return;
    default:
      return take_closed(mine, conn, event, out);
  }
}

void take(Transport& mine, const tt_event& event, Events& out) {
  switch (event.kind) {
    case TT_EV_UNLISTENED:
      if (!has(Bug::unlistened_lost)) out.push_back(event);
      return;
    case TT_EV_DOWN:
      if (!mine.down) out.push_back(event);
      return;
    default:
      return take_conn_event(mine, event, out);
  }
}

void send_late(Transport& mine) {
  for (const auto& [ignored, conn] : mine.conns) {
    for (const auto& segments : std::exchange(conn->unsent, {})) {
      send_copy(mine, *conn, gather(segments));
    }
    while (!conn->backlog.empty() && send_copy(mine, *conn, conn->backlog.front()) == TT_OK) {
      conn->backlog.pop_front();
    }
    if (!conn->late.empty()) send_copy(mine, *conn, std::exchange(conn->late, {}));
  }
}

/// Reads from no other connection while the first has packets.
void favour_the_first(Transport& mine, const Events& out) {
  if (mine.accepted.empty()) return;
  tt_conn* const first = handle(*mine.conns.at(mine.accepted.front()));
  const bool busy = std::any_of(out.begin(), out.end(), [&](const tt_event& event) {
    return event.kind == TT_EV_PACKET && event.conn == first;
  });
  for (std::size_t i = 1; i < mine.accepted.size(); ++i) {
    inner().conn_pause(mine.inner, mine.accepted[i], busy ? 1 : 0);
  }
}

/// Reads on only when progress() is called again, as if it needed the buffers that were shown.
void stop_until_next_round(Transport& mine, const Events& out) {
  for (const tt_event& event : out) {
    if (event.kind != TT_EV_PACKET) continue;
    tt_conn* const conn = self(event.conn).inner;
    if (std::find(mine.stopped.begin(), mine.stopped.end(), conn) != mine.stopped.end()) continue;
    inner().conn_pause(mine.inner, conn, 1);
    mine.stopped.push_back(conn);
  }
}

void read_on(Transport& mine) {
  for (tt_conn* const conn : std::exchange(mine.stopped, {})) {
    inner().conn_pause(mine.inner, conn, 0);
  }
}

bool doubles_events() {
  return has(Bug::closed_doubled) || has(Bug::event_after_closed) || has(Bug::connected_doubled) ||
         has(Bug::sent_doubled) || has(Bug::writable_doubled);
}

/// A batch of the inner transport, distorted.
Events next_batch(Transport& mine, std::uint32_t room) {
  Events raw(doubles_events() ? std::max(room / 2, 1u) : room);
  auto count = inner().progress(mine.inner, raw.data(), static_cast<std::uint32_t>(raw.size()));
  if (has(Bug::progress_blocks) && count == 0) {
    pollfd entry{mine.attr.wait_fd, POLLIN, 0};
    ::poll(&entry, 1, 30);
  }
  Events out;
  for (std::int32_t i = 0; i < count; ++i) take(mine, raw[static_cast<std::size_t>(i)], out);
  if (has(Bug::quiet_ones_starve)) favour_the_first(mine, out);
  if (has(Bug::shown_packets_hold_up)) stop_until_next_round(mine, out);
  return out;
}

}  // namespace

void set_leak(Transport& transport, Leak leak) {
  if (transport.leaky_fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  const int change = leak == Leak::none ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
  ::epoll_ctl(transport.leaky_fd, change, transport.attr.wait_fd, &event);
}

std::int32_t progress(tt_transport* transport, tt_event* events, std::uint32_t cap) {
  Transport& mine = self(transport);
  constexpr unsigned many = 32;
  mine.shown = {};
  if (has(Bug::holding_stalls_everything) && mine.held > many) return 0;
  send_late(mine);
  read_on(mine);
  set_leak(mine, Leak::none);
  std::uint32_t count = 0;
  for (; count < cap && !mine.extra.empty(); ++count) {
    events[count] = mine.extra.front();
    mine.extra.pop_front();
  }
  const std::uint32_t more = has(Bug::more_events_than_cap) ? 1 : 0;
  if (count == cap) return static_cast<std::int32_t>(count);
  for (const tt_event& event : next_batch(mine, cap - count + more)) {
    if (count < cap + more) {
      events[count++] = event;
    } else {
      mine.extra.push_back(event);
    }
  }
  return static_cast<std::int32_t>(count);
}

tt_status arm(tt_transport* transport, std::uint64_t* deadline_ns) {
  Transport& mine = self(transport);
  const tt_status status = inner().arm(mine.inner, deadline_ns);
  const bool stalled = std::any_of(mine.conns.begin(), mine.conns.end(),
                                   [](const auto& entry) { return entry.second->owes_writable; });
  if (has(Bug::wake_up_storm) || (has(Bug::storm_while_stalled) && stalled)) {
    mine.outer->wake(mine.outer);
  }
  const bool outside = std::any_of(mine.conns.begin(), mine.conns.end(),
                                   [](const auto& entry) { return entry.second->leads_outside; });
  if (outside || (has(Bug::wake_up_lost_now_and_then) && ++mine.sleeps % 50 == 0)) {
    set_leak(mine, Leak::everything);
  }
  if (has(Bug::deadline_lost)) *deadline_ns = 0;
  if (has(Bug::arm_looks_at_nothing) || !mine.stopped.empty()) return TT_OK;
  return mine.extra.empty() ? status : TT_E_BUSY;
}

}  // namespace mutant
