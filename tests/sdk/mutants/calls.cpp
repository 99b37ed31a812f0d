// The calls that open, listen, connect and close, with their bugs.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>

#include "mutant.hpp"

namespace mutant {
namespace {

constexpr std::size_t few = 300;

std::set<Transport*>& all_transports() {
  static std::set<Transport*> all;
  return all;
}

std::set<std::string>& addresses_at_home() {
  static std::set<std::string> all;
  return all;
}

Transport& behind(const tt_host* host) {
  return *static_cast<Transport*>(host->ctx);
}

std::uint64_t monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void wake(const tt_host* host) {
  // Every wake-up of the inner transport is for the side effect of a call.
  if (has(Bug::wake_up_lost) || has(Bug::deadline_untold)) return;
  const tt_host* const outer = behind(host).outer;
  outer->wake(outer);
}

tt_host host_for(Transport& transport, const tt_host* outer) {
  tt_host host{};
  host.size = sizeof(host);
  host.abi_major = TT_ABI_MAJOR;
  host.abi_minor = TT_ABI_MINOR;
  host.ctx = &transport;
  transport.outer = outer;
  host.wake = &wake;
  host.now = [](const tt_host* h) -> std::uint64_t {
    if (has(Bug::own_clock)) return monotonic_now();
    return behind(h).outer->now(behind(h).outer);
  };
  host.log = [](const tt_host* h, std::int32_t level, const char* text) {
    behind(h).outer->log(behind(h).outer, level, text);
  };
  host.alloc = [](const tt_host* h, std::size_t size, std::size_t align) {
    return behind(h).outer->alloc(behind(h).outer, size, align);
  };
  host.dealloc = [](const tt_host* h, void* p, std::size_t size, std::size_t align) {
    behind(h).outer->dealloc(behind(h).outer, p, size, align);
  };
  host.extension = [](const tt_host*, const char*) -> const void* { return nullptr; };
  return host;
}

void spoil_error(tt_error* error) {
  if (has(Bug::error_without_text)) error->text[0] = '\0';
  if (has(Bug::short_error_overrun)) std::memset(error->text, 'x', sizeof(error->text));
}

void leave_traces(Transport& transport, const tt_open_params& params) {
  if (has(Bug::ignores_signals_for_all)) ::signal(SIGPIPE, SIG_IGN);
  if (has(Bug::descriptors_inherited)) transport.descriptors.push_back(open_descriptor(0));
  if (has(Bug::extension_from_a_thread)) {
    const tt_host* const host = transport.outer;
    std::thread([host] { static_cast<void>(host->extension(host, "tt.no-such/0")); }).join();
  }
  if (has(Bug::threads_in_any_case) && (params.flags & TT_OPEN_NO_THREADS) != 0) start_thread();
}

/// What some bugs do whenever a connection is made.
void disturb(Transport& transport, Conn& conn) {
  const tt_host* const host = transport.outer;
  if (has(Bug::descriptor_leak)) open_descriptor(O_CLOEXEC);
  if (has(Bug::heap_leak)) std::memset(new char[1000], 1, 1000);
  if (has(Bug::thread_leak) || has(Bug::threads_undeclared)) start_thread();
  if (has(Bug::memory_leak)) static_cast<void>(host->alloc(host, 100, 8));
  if (has(Bug::warns_without_need)) host->log(host, TT_LOG_WARN, "a new connection");
  if (has(Bug::writes_to_standard_error)) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, "connecting\n", 11);
  }
  if (has(Bug::allocation_unchecked)) {
    conn.memory = host->alloc(host, 64, 8);
    *static_cast<volatile char*>(conn.memory) = 1;
  }
}

void give_back(Transport& transport, Conn& conn) {
  if (conn.memory != nullptr) transport.outer->dealloc(transport.outer, conn.memory, 64, 8);
  if (has(Bug::freed_connection_used)) {
    tt_event event{};
    event.kind = TT_EV_WRITABLE;
    event.conn = handle(conn);
    event.user = conn.user;
    add_event(transport, event);
  }
}

}  // namespace

bool is_at_home(const std::string& uri) {
  return uri.empty() || addresses_at_home().contains(uri);
}

tt_status open(const tt_host* host, const tt_open_params* params, tt_transport** out,
               tt_error* error) {
  if (has(Bug::long_params_refused) && params->size > sizeof(*params)) {
    std::snprintf(error->text, sizeof(error->text), "open: a table of unknown size");
    return TT_E_INVALID;
  }
  if (has(Bug::host_table_overrun)) {
    // Takes for granted that the host knows a member that came later.
    static_cast<void>(reinterpret_cast<const volatile char*>(host)[host->size]);
  }
  if (has(Bug::failed_open_leaks) && params->nkv > 0) open_descriptor(O_CLOEXEC);
  auto transport = std::make_unique<Transport>();
  transport->host = host_for(*transport, host);
  transport->queue_bytes = params->tx_hwm_bytes;
  tt_open_params inner_params{};  // a host that is older has less
  std::memcpy(&inner_params, params, std::min<std::size_t>(params->size, sizeof(inner_params)));
  inner_params.size = sizeof(inner_params);
  inner_params.scheme = "unix";
  if (has(Bug::queue_unlimited)) inner_params.tx_hwm_bytes = ~0ull >> 1;
  if (has(Bug::receive_limit_ignored)) inner_params.rx_max_msg = 1ull << 30;
  if (has(Bug::first_limit_for_all) && inner_params.rx_first_msg_max != 0) {
    inner_params.rx_max_msg = inner_params.rx_first_msg_max;
  }
  if (has(Bug::first_limit_ignored)) inner_params.rx_first_msg_max = 0;
  const tt_status status = inner().open(&transport->host, &inner_params, &transport->inner, error);
  if (status != TT_OK) return status;
  transport->attr.size = sizeof(transport->attr);
  inner().query(transport->inner, &transport->attr);
  if (const auto largest = chosen_largest(); largest > 0) {
    transport->attr.max_msg = largest;
    // What it copies, it does not lend.
    if (largest < transport->attr.borrow_min) {
      transport->attr.caps &= ~std::uint64_t{TT_CAP_TX_BORROW | TT_CAP_RX_HOLD};
    }
  }
  if (has(Bug::wake_up_lost_now_and_then) || has(Bug::asleep_to_the_outside)) {
    transport->leaky_fd = ::epoll_create1(EPOLL_CLOEXEC);
    transport->descriptors.push_back(transport->leaky_fd);
    set_leak(*transport, Leak::none);
  }
  leave_traces(*transport, *params);
  all_transports().insert(transport.get());
  *out = reinterpret_cast<tt_transport*>(transport.release());
  return TT_OK;
}

tt_status query(tt_transport* transport, tt_attr* attr) {
  Transport& mine = self(transport);
  tt_attr filled = mine.attr;
  filled.size = attr->size;
  if (mine.leaky_fd >= 0) filled.wait_fd = mine.leaky_fd;
  if (has(Bug::wait_fd_replaced)) {
    filled.wait_fd = ::fcntl(mine.attr.wait_fd, F_DUPFD_CLOEXEC, 0);
    mine.descriptors.push_back(filled.wait_fd);
  }
  const std::size_t known = std::min<std::size_t>(attr->size, sizeof(filled));
  std::memcpy(attr, &filled, has(Bug::short_attr_overrun) ? sizeof(filled) : known);
  return TT_OK;
}

void shutdown(tt_transport* transport, std::uint32_t flags) {
  if (has(Bug::down_too_early)) {
    tt_event event{};
    event.kind = TT_EV_DOWN;
    add_event(self(transport), event);
    self(transport).down = true;
  }
  if (has(Bug::shutdown_of_all)) {
    for (Transport* each : all_transports()) inner().shutdown(each->inner, flags);
  }
  inner().shutdown(self(transport).inner, flags);
}

tt_status destroy(tt_transport* transport) {
  Transport& mine = self(transport);
  const bool forgotten = has(Bug::held_packets_forgotten) && mine.conns.empty();
  if (has(Bug::destroyed_too_early) || forgotten) return TT_OK;
  const tt_status status = inner().destroy(mine.inner);
  if (status != TT_OK) return status;
  for (const int descriptor : mine.descriptors) ::close(descriptor);
  all_transports().erase(&mine);
  delete &mine;
  if (has(Bug::cleans_up_for_all) && all_transports().empty()) close_every_epoll();
  return TT_OK;
}

tt_status listen(tt_transport* transport, const char* uri, void* user, tt_listener** out,
                 tt_error* error) {
  const std::string place = inward(uri);
  const std::string path = place.substr(std::min(place.size(), std::size_t{7}));
  if (has(Bug::address_stolen) && path.starts_with('/')) ::unlink(path.c_str());
  const tt_status status = inner().listen(self(transport).inner, place.c_str(), user, out, error);
  if (status != TT_OK) spoil_error(error);
  return status;
}

tt_status listener_uri(tt_transport* transport, tt_listener* listener, char* buf,
                       std::size_t* len) {
  char full[300];
  std::size_t length = sizeof(full);
  const tt_status status = inner().listener_uri(self(transport).inner, listener, full, &length);
  if (status != TT_OK) return status;
  const std::string uri = outward(full);
  addresses_at_home().insert(uri);
  const std::size_t room = *len;
  *len = uri.size() + (has(Bug::listener_uri_size_short) ? 0 : 1);
  if (room < uri.size() + 1) {
    if (has(Bug::listener_uri_overrun)) buf[room] = '\0';
    return TT_E_TOOBIG;
  }
  std::memcpy(buf, uri.c_str(), uri.size() + 1);
  return TT_OK;
}

void unlisten(tt_transport* transport, tt_listener* listener) {
  inner().unlisten(self(transport).inner, listener);
}

tt_status connect(tt_transport* transport, const char* uri, void* user, tt_conn** out,
                  tt_error* error) {
  Transport& mine = self(transport);
  auto conn = std::make_unique<Conn>();
  conn->user = user;
  conn->uri = uri;
  const tt_status status =
      inner().connect(mine.inner, inward(uri).c_str(), conn.get(), &conn->inner, error);
  if (status != TT_OK) {
    spoil_error(error);
    return status;
  }
  disturb(mine, *conn);
  if (has(Bug::few_connections) && mine.conns.size() > few) {
    inner().conn_close(mine.inner, conn->inner, TT_CLOSE_ABORT);
  }
  *out = handle(*conn);
  mine.conns[conn->inner] = std::move(conn);
  return TT_OK;
}

void conn_set_user(tt_transport*, tt_conn* conn, void* user) {
  if (!has(Bug::cookie_stale)) self(conn).user = user;
}

tt_status conn_info(tt_transport* transport, tt_conn* conn, tt_conn_info* info) {
  const tt_status status = inner().conn_info(self(transport).inner, self(conn).inner, info);
  for (char* const uri : {info->local_uri, info->peer_uri}) {
    std::snprintf(uri, sizeof(info->peer_uri), "%s", outward(uri).c_str());
  }
  if (has(Bug::peer_uri_missing)) info->peer_uri[0] = '\0';
  return status;
}

void conn_close(tt_transport* transport, tt_conn* conn, std::uint32_t flags) {
  if (has(Bug::close_before_drain)) flags |= TT_CLOSE_ABORT;
  inner().conn_close(self(transport).inner, self(conn).inner, flags);
}

void conn_free(tt_transport* transport, tt_conn* conn) {
  Transport& mine = self(transport);
  Conn& freed = self(conn);
  give_back(mine, freed);
  inner().conn_free(mine.inner, freed.inner);
  std::erase(mine.accepted, freed.inner);
  std::erase(mine.stopped, freed.inner);
  mine.conns.erase(freed.inner);
}

}  // namespace mutant
