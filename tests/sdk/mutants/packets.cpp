// Sending, and what the host does with packets, with the bugs of both.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <numeric>

#include "mutant.hpp"

namespace mutant {
namespace {

std::size_t length_of(std::span<const tt_iov> segments) {
  return std::accumulate(segments.begin(), segments.end(), std::size_t{0},
                         [](std::size_t sum, const tt_iov& segment) { return sum + segment.len; });
}

tt_status send_inner(Transport& mine, Conn& conn, std::span<const tt_iov> segments,
                     std::uint32_t flags, std::uint64_t op) {
  return inner().send(mine.inner, conn.inner, segments.data(),
                      static_cast<std::uint32_t>(segments.size()), flags, op);
}

/// As long as one would wait who cannot imagine a full queue.
tt_status send_patiently(Transport& mine, Conn& conn, std::span<const tt_iov> segments,
                         std::uint32_t flags, std::uint64_t op) {
  tt_status status = send_inner(mine, conn, segments, flags, op);
  for (int i = 0; status == TT_E_AGAIN && i < 10; ++i) {
    ::poll(nullptr, 0, 10);
    status = send_inner(mine, conn, segments, flags, op);
  }
  return status;
}

/// The answer of a bug that does something else than to send; `otherwise` if there is none.
tt_status misbehave(Transport& mine, Conn& conn, std::span<const tt_iov> segments,
                    std::uint32_t flags, tt_status otherwise) {
  const std::size_t length = length_of(segments);
  if (length > mine.attr.max_msg && !has(Bug::largest_packet_ignored)) return TT_E_TOOBIG;
  if (has(Bug::sends_from_the_receive_buffer)) {
    const Bytes bytes = gather(segments);
    std::copy_n(bytes.begin(), std::min(bytes.size(), mine.shown.size()), mine.shown.begin());
  }
  if (has(Bug::raises_sigpipe) && conn.closed) ::raise(SIGPIPE);
  if (has(Bug::empty_packets_unlimited) && length == 0) return TT_OK;
  if (has(Bug::large_packets_refused) && length > mine.queue_bytes) return TT_E_AGAIN;
  if (has(Bug::resurrection) && conn.revived) {
    static_cast<void>(send_copy(mine, conn, gather(segments)));
    return TT_OK;
  }
  if (has(Bug::copy_borrows) && (flags & TT_SEND_COPY) != 0) {
    conn.unsent.emplace_back(segments.begin(), segments.end());
    mine.outer->wake(mine.outer);
    return TT_OK;
  }
  if (has(Bug::reordered_by_flush) && (flags & TT_SEND_MORE) != 0) {
    conn.train.push_back(gather(segments));
    return TT_OK;
  }
  if (has(Bug::late_from_other_threads) && std::this_thread::get_id() != mine.opener &&
      conn.late.empty() && ++mine.sends % 50 == 0) {
    conn.late = gather(segments);
    return TT_OK;
  }
  if (has(Bug::segments_unlimited) && segments.size() > mine.attr.max_iov) {
    return send_copy(mine, conn, gather(segments));
  }
  return otherwise;
}

}  // namespace

tt_status send_copy(Transport& transport, Conn& conn, const Bytes& bytes) {
  const tt_iov segment{bytes.data(), bytes.size()};
  return send_inner(transport, conn, {&segment, 1}, TT_SEND_COPY, 0);
}

tt_status send(tt_transport* transport, tt_conn* handle, const tt_iov* iov, std::uint32_t n,
               std::uint32_t flags, std::uint64_t op) {
  constexpr tt_status none = TT_E_VERSION;
  Transport& mine = self(transport);
  Conn& conn = self(handle);
  std::span<const tt_iov> segments(iov, n);
  const tt_status answer = misbehave(mine, conn, segments, flags, none);
  if (answer != none) return answer;
  if (has(Bug::copy_pends)) flags &= ~std::uint32_t{TT_SEND_COPY};
  if (has(Bug::first_segment_only) && n > 1) segments = segments.first(1);
  const tt_status status = has(Bug::send_blocks) ? send_patiently(mine, conn, segments, flags, op)
                                                 : send_inner(mine, conn, segments, flags, op);
  if (status == TT_E_AGAIN && has(Bug::backlog_unlimited)) {
    conn.backlog.push_back(gather(segments));
    return TT_OK;
  }
  if (status == TT_E_AGAIN) conn.owes_writable = true;
  return status;
}

tt_status flush(tt_transport* transport) {
  Transport& mine = self(transport);
  for (const auto& [ignored, conn] : mine.conns) {
    std::reverse(conn->train.begin(), conn->train.end());
    for (const Bytes& bytes : conn->train) send_copy(mine, *conn, bytes);
    conn->train.clear();
  }
  return inner().flush(mine.inner);
}

void rx_release(tt_transport* transport, tt_rx* rx) {
  if (has(Bug::held_memory_reused)) return;  // it was released when it was handed out
  --self(transport).held;
  inner().rx_release(self(transport).inner, rx);
}

void conn_pause(tt_transport* transport, tt_conn* conn, std::int32_t on) {
  if (has(Bug::pause_ignored)) return;
  inner().conn_pause(self(transport).inner, self(conn).inner, on);
}

}  // namespace mutant
