// A transport whose events a test writes and whose sends a test reads.
#pragma once

#include <trestle/ext/activity.h>
#include <trestle/thin_transport.h>
#include <trestle/payload.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/fake_bulk.hpp"

namespace trestle::fakes {

/// One send() as the transport saw it.
struct SentPacket {
  std::string bytes;
  std::vector<const void*> bases;
  std::uint32_t flags = 0;
  std::uint64_t op = 0;
};

/// One connection of a FakeTransport.
struct FakeConn {
  void* user = nullptr;
  std::vector<SentPacket> sent;
  int closes = 0;
  std::vector<int> pauses;                   // 1: paused, 0: resumed
  std::optional<std::uint32_t> close_flags;  // of the last close
  bool freed = false;
  std::uint64_t bytes_received = 0;  // as tt.activity/1 says
  FakeBulk bulk;

  tt_conn* handle() noexcept { return reinterpret_cast<tt_conn*>(this); }
  static FakeConn& of(tt_conn* conn) noexcept { return *reinterpret_cast<FakeConn*>(conn); }
};

/// A receive buffer that the fake lends.
struct FakeRx {
  std::string bytes;
  int releases = 0;

  tt_rx* handle() noexcept { return reinterpret_cast<tt_rx*>(this); }
};

/// The plugin tables of a transport without I/O. One at a time: open() finds it through `current`.
/// Lifetime: longer than the engine that opened it.
class FakeTransport {
 public:
  FakeTransport() {
    current_ = this;
    ops_.size = sizeof(tt_ops);
    ops_.open = &open;
    ops_.query = &query;
    ops_.shutdown = [](tt_transport* t, std::uint32_t) { ++of(t).shutdowns; };
    ops_.destroy = [](tt_transport* t) { return ++of(t).destroys, of(t).destroy_status; };
    ops_.listen = &listen;
    ops_.listener_uri = &listener_uri;
    ops_.connect = &connect;
    ops_.conn_set_user = [](tt_transport*, tt_conn* c, void* user) { FakeConn::of(c).user = user; };
    ops_.conn_close = &conn_close;
    ops_.conn_free = [](tt_transport*, tt_conn* c) { FakeConn::of(c).freed = true; };
    ops_.send = &send;
    ops_.rx_release = [](tt_transport*, tt_rx* rx) { ++reinterpret_cast<FakeRx*>(rx)->releases; };
    ops_.conn_pause = [](tt_transport*, tt_conn* c, std::int32_t on) {
      FakeConn::of(c).pauses.push_back(on);
    };
    ops_.progress = &progress;
    ops_.arm = &arm;
    ops_.extension = &extension;
    plugin_.ops = &ops_;
    attributes.caps =
        TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_TX_BORROW | TT_CAP_RX_HOLD | TT_CAP_RX_PAUSE;
    attributes.wait_fd = -1;
    attributes.wait_flags = TT_WAIT_WAKE;
    attributes.max_iov = 16;
  }
  ~FakeTransport() { current_ = nullptr; }
  FakeTransport(const FakeTransport&) = delete;
  FakeTransport& operator=(const FakeTransport&) = delete;

  const tt_plugin& plugin() const noexcept { return plugin_; }

  // ---- What the test decides ----
  tt_attr attributes{};
  tt_status open_status = TT_OK;
  tt_status query_status = TT_OK;
  tt_status listen_status = TT_OK;
  tt_status connect_status = TT_OK;
  tt_status send_status = TT_OK;
  int sends_left = -1;  // until send() says TT_E_AGAIN; -1: no end
  tt_status arm_status = TT_OK;
  tt_status destroy_status = TT_OK;
  std::string failure_text;
  std::uint64_t arm_deadline = 0;
  bool broken = false;  // progress() answers with an error
  bool has_bulk = false;

  // ---- What the test reads ----
  const tt_host* host = nullptr;
  tt_open_params open_params{};
  std::list<FakeConn> conns;
  void* listener_user = nullptr;
  int arms = 0;
  int shutdowns = 0;
  int destroys = 0;

  // ---- Events ----
  void push(tt_event event) { events_.push_back(event); }

  FakeConn& accept() {
    FakeConn& conn = conns.emplace_back();
    tt_event event{};
    event.kind = TT_EV_ACCEPTED;
    event.conn = conn.handle();
    event.aux = reinterpret_cast<std::uintptr_t>(listener_user);
    push(event);
    return conn;
  }
  void connected(FakeConn& conn) { push(event_of(conn, TT_EV_CONNECTED)); }
  void writable(FakeConn& conn) { push(event_of(conn, TT_EV_WRITABLE)); }
  void sent(FakeConn& conn, std::uint64_t op) {
    tt_event event = event_of(conn, TT_EV_SENT);
    event.op = op;
    push(event);
  }
  void closed(FakeConn& conn, tt_status status, const char* text = nullptr) {
    tt_event event = event_of(conn, TT_EV_CLOSED);
    event.status = status;
    event.data = text;
    push(event);
  }
  /// A packet whose bytes live until the fake ends.
  void packet(FakeConn& conn, std::string bytes) {
    const std::string& kept = kept_.emplace_back(std::move(bytes));
    tt_event event = event_of(conn, TT_EV_PACKET);
    event.data = kept.data();
    event.len = kept.size();
    push(event);
  }
  void packet(FakeConn& conn, FakeRx& rx) {
    tt_event event = event_of(conn, TT_EV_PACKET);
    event.data = rx.bytes.data();
    event.len = rx.bytes.size();
    event.rx = rx.handle();
    push(event);
  }
  /// A get of tt.bulk has ended; a good one brought what `rx` holds.
  void bulk(FakeConn& conn, std::uint64_t op, tt_status status, FakeRx* rx = nullptr) {
    tt_event event = event_of(conn, TT_EV_BULK);
    event.op = op;
    event.status = status;
    if (rx != nullptr) {
      event.data = rx->bytes.data();
      event.len = rx->bytes.size();
      event.rx = rx->handle();
    }
    push(event);
  }
  /// Ends every connection that was closed from above, as transports do.
  void finish_closes() {
    for (FakeConn& conn : conns) {
      if (conn.closes != 0 && !conn.freed) closed(conn, TT_E_CLOSED);
    }
  }

  static tt_event event_of(FakeConn& conn, std::uint16_t kind) {
    tt_event event{};
    event.kind = kind;
    event.user = conn.user;
    event.conn = conn.handle();
    return event;
  }

 private:
  static FakeTransport& of(tt_transport* t) noexcept {
    return *reinterpret_cast<FakeTransport*>(t);
  }

  tt_status explain(tt_status status, tt_error* error) const {
    if (status < 0) std::strncpy(error->text, failure_text.c_str(), sizeof(error->text) - 1);
    return status;
  }

  static tt_status open(const tt_host* host, const tt_open_params* params, tt_transport** out,
                        tt_error* error) {
    FakeTransport& self = *current_;
    self.host = host;
    self.open_params = *params;
    *out = reinterpret_cast<tt_transport*>(&self);
    return self.explain(self.open_status, error);
  }
  static tt_status query(tt_transport* t, tt_attr* attributes) {
    const std::uint32_t size = attributes->size;
    *attributes = of(t).attributes;
    attributes->size = size;
    return of(t).query_status;
  }
  static tt_status listen(tt_transport* t, const char*, void* user, tt_listener** out,
                          tt_error* error) {
    of(t).listener_user = user;
    *out = reinterpret_cast<tt_listener*>(t);
    return of(t).explain(of(t).listen_status, error);
  }
  static tt_status listener_uri(tt_transport*, tt_listener*, char* buffer, std::size_t* length) {
    constexpr std::string_view uri = "fake://real";
    std::copy(uri.begin(), uri.end(), buffer);
    buffer[uri.size()] = '\0';
    *length = uri.size();
    return TT_OK;
  }
  static tt_status connect(tt_transport* t, const char*, void* user, tt_conn** out,
                           tt_error* error) {
    if (of(t).connect_status < 0) return of(t).explain(of(t).connect_status, error);
    FakeConn& conn = of(t).conns.emplace_back();
    conn.user = user;
    *out = conn.handle();
    return TT_OK;
  }
  static void conn_close(tt_transport*, tt_conn* c, std::uint32_t flags) {
    ++FakeConn::of(c).closes;
    FakeConn::of(c).close_flags = flags;
  }
  static tt_status send(tt_transport* t, tt_conn* c, const tt_iov* segments, std::uint32_t count,
                        std::uint32_t flags, std::uint64_t op) {
    if (of(t).send_status < 0) return of(t).send_status;
    if (of(t).sends_left == 0) return TT_E_AGAIN;
    if (of(t).sends_left > 0) --of(t).sends_left;
    SentPacket& packet = FakeConn::of(c).sent.emplace_back();
    packet.flags = flags;
    packet.op = op;
    for (std::uint32_t i = 0; i < count; ++i) {
      packet.bytes.append(static_cast<const char*>(segments[i].base), segments[i].len);
      packet.bases.push_back(segments[i].base);
    }
    return of(t).send_status;
  }
  static std::int32_t progress(tt_transport* t, tt_event* events, std::uint32_t capacity) {
    FakeTransport& self = of(t);
    if (self.broken) return TT_E_FAILED;
    std::int32_t count = 0;
    for (; count < static_cast<std::int32_t>(capacity) && !self.events_.empty(); ++count) {
      events[count] = self.events_.front();
      self.events_.pop_front();
    }
    return count;
  }
  static const void* extension(tt_transport* t, const char* id) {
    if (std::string_view(id) == TT_BULK_ID)
      return of(t).has_bulk ? &bulk_table<FakeConn>() : nullptr;
    static constexpr tt_activity activity{
        .size = sizeof(tt_activity),
        .reserved0 = 0,
        .bytes_received = [](tt_transport*, tt_conn* c) { return FakeConn::of(c).bytes_received; }};
    return std::string_view(id) == TT_ACTIVITY_ID ? &activity : nullptr;
  }
  static tt_status arm(tt_transport* t, std::uint64_t* deadline) {
    ++of(t).arms;
    *deadline = of(t).arm_deadline;
    if (!of(t).events_.empty()) return TT_E_BUSY;
    return of(t).arm_status;
  }

  inline static FakeTransport* current_ = nullptr;

  tt_ops ops_{};
  tt_plugin plugin_{};
  std::deque<tt_event> events_;
  std::deque<std::string> kept_;
};

}  // namespace trestle::fakes
