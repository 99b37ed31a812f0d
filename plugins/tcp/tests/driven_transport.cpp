// Driving a transport by hand.
#include "driven_transport.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

namespace trestle::tcp::testing {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto watchdog = 20s;

template <class T>
Answer<T> answer(T value, tt_status status, const tt_error& error) {
  if (status == TT_OK) return {value, status, {}};
  EXPECT_EQ(error.code, status);
  EXPECT_STRNE(error.text, "");
  return {value, status, error.text};
}

tt_error empty_error() {
  tt_error error{};
  error.size = sizeof(error);
  return error;
}

}  // namespace

const tt_plugin& plugin() {
  static const tt_plugin& loaded = [&]() -> const tt_plugin& {
    void* file = ::dlopen(TCP_PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (file == nullptr) throw std::runtime_error(::dlerror());
    return *static_cast<const tt_plugin*>(::dlsym(file, "tt_plugin_v1"));
  }();
  return loaded;
}

DrivenTransport::DrivenTransport(const Opening& opening)
    : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  host_.size = sizeof(host_);
  host_.abi_minor = TT_ABI_MINOR;
  host_.ctx = this;
  host_.wake = [](const tt_host* host) {
    const std::uint64_t one = 1;
    const auto& self = *static_cast<DrivenTransport*>(host->ctx);
    EXPECT_EQ(::write(self.wake_fd_, &one, sizeof(one)), 8);
  };
  host_.now = [](const tt_host* host) -> std::uint64_t {
    const auto& self = *static_cast<DrivenTransport*>(host->ctx);
    const std::chrono::nanoseconds now = Clock::now().time_since_epoch();
    return static_cast<std::uint64_t>((now + self.offset_).count());
  };
  host_.log = [](const tt_host* host, std::int32_t, const char* text) {
    static_cast<DrivenTransport*>(host->ctx)->logs.emplace_back(text);
  };
  host_.alloc = [](const tt_host* host, std::size_t size, std::size_t align) -> void* {
    auto& self = *static_cast<DrivenTransport*>(host->ctx);
    self.lent_bytes += size;
    ++self.lent_buffers;
    return ::operator new(size, std::align_val_t(align), std::nothrow);
  };
  host_.dealloc = [](const tt_host* host, void* p, std::size_t size, std::size_t align) {
    static_cast<DrivenTransport*>(host->ctx)->lent_bytes -= size;
    ::operator delete(p, std::align_val_t(align));
  };
  tt_open_params params{};
  params.size = sizeof(params);
  params.flags = opening.flags;
  params.scheme = opening.scheme.c_str();
  params.kv = opening.options.data();
  params.nkv = opening.options.size();
  params.rx_max_msg = opening.packet_bytes_max;
  params.tx_hwm_bytes = opening.queue_bytes_max;
  params.linger_ns = static_cast<std::uint64_t>(opening.linger.count());
  tt_error error = empty_error();
  if (ops().open(&host_, &params, &transport_, &error) != TT_OK) {
    ::close(wake_fd_);
    throw std::runtime_error(error.text);
  }
}

DrivenTransport::~DrivenTransport() {
  for (Seen& conn : connections_) {
    if (conn.closed == 0) close(conn, TT_CLOSE_ABORT);
  }
  shutdown();
  drive(
      {this}, [&] { return down; }, "DOWN");
  for (Seen& conn : connections_) ops().conn_free(transport_, conn.conn);
  EXPECT_EQ(ops().destroy(transport_), TT_OK);
  ::close(wake_fd_);
}

Answer<tt_listener*> DrivenTransport::listen(const std::string& uri) {
  tt_error error = empty_error();
  tt_listener* listener = nullptr;
  const auto status = ops().listen(transport_, uri.c_str(), this, &listener, &error);
  return answer(listener, status, error);
}

std::string DrivenTransport::uri(tt_listener* listener) {
  std::array<char, 300> text;
  std::size_t length = text.size();
  EXPECT_EQ(ops().listener_uri(transport_, listener, text.data(), &length), TT_OK);
  return text.data();
}

Answer<Seen*> DrivenTransport::connect(const std::string& uri) {
  tt_error error = empty_error();
  Seen& seen = connections_.emplace_back();
  const auto status = [&] {
    const MemoryScope counted(memory_);
    return ops().connect(transport_, uri.c_str(), &seen, &seen.conn, &error);
  }();
  if (status != TT_OK) connections_.pop_back();
  return answer(status == TT_OK ? &seen : nullptr, status, error);
}

tt_conn_info DrivenTransport::info(const Seen& conn) {
  tt_conn_info info{};
  info.size = sizeof(info);
  EXPECT_EQ(ops().conn_info(transport_, conn.conn, &info), TT_OK);
  return info;
}

tt_attr DrivenTransport::attributes() {
  tt_attr attr{};
  attr.size = sizeof(attr);
  EXPECT_EQ(ops().query(transport_, &attr), TT_OK);
  return attr;
}

tt_status DrivenTransport::send(Seen& conn, std::string_view bytes, std::uint32_t flags,
                                std::uint64_t op) {
  const tt_iov segment{bytes.data(), bytes.size()};
  const MemoryScope counted(memory_);
  return ops().send(transport_, conn.conn, &segment, 1, flags, op);
}

int DrivenTransport::step(std::uint32_t cap) {
  std::vector<tt_event> events(cap);
  const int count = [&] {
    const MemoryScope counted(memory_);
    return ops().progress(transport_, events.data(), cap);
  }();
  EXPECT_GE(count, 0);
  for (int i = 0; i < count; ++i) take(events[static_cast<std::size_t>(i)]);
  return count;
}

void DrivenTransport::take(const tt_event& event) {
  if (event.kind == TT_EV_DOWN) {
    down = true;
    return;
  }
  if (event.kind == TT_EV_UNLISTENED) {
    EXPECT_EQ(event.user, this);
    ++unlistened;
    return;
  }
  if (event.kind == TT_EV_ACCEPTED) {
    EXPECT_EQ(event.aux, reinterpret_cast<std::uintptr_t>(this));
    Seen& seen = connections_.emplace_back();
    seen.conn = event.conn;
    ops().conn_set_user(transport_, event.conn, &seen);
    accepted.push_back(&seen);
    ++seen.up;
    return;
  }
  ASSERT_NE(event.user, nullptr) << "event " << event.kind << " without a cookie";
  Seen& seen = *static_cast<Seen*>(event.user);
  EXPECT_EQ(seen.conn, event.conn);
  EXPECT_EQ(seen.closed, 0) << "event " << event.kind << " after CLOSED";
  switch (event.kind) {
    case TT_EV_CONNECTED:
      ++seen.up;
      break;
    case TT_EV_PACKET:
      seen.packets.emplace_back(static_cast<const char*>(event.data), event.len);
      seen.held += event.rx != nullptr ? 1 : 0;
      if (event.rx != nullptr) ops().rx_release(transport_, event.rx);
      break;
    case TT_EV_SENT:
      seen.sent.emplace_back(event.op, event.status);
      break;
    case TT_EV_WRITABLE:
      ++seen.writable;
      break;
    case TT_EV_CLOSED:
      ++seen.closed;
      seen.status = event.status;
      if (event.data != nullptr) seen.text = static_cast<const char*>(event.data);
      break;
    default:
      ADD_FAILURE() << "event of unknown kind " << event.kind;
  }
}

void DrivenTransport::sleep(std::chrono::milliseconds at_most) {
  std::uint64_t deadline = 0;
  if (arm(deadline) != TT_OK) return;
  if (deadline != 0) {
    const auto left = static_cast<std::int64_t>(deadline - host_.now(&host_));
    at_most = std::clamp(std::chrono::milliseconds(left / 1'000'000 + 1), 0ms, at_most);
  }
  std::array<pollfd, 2> fds{{{attributes().wait_fd, POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(at_most.count()));
  std::uint64_t count = 0;
  [[maybe_unused]] const auto ignored = ::read(wake_fd_, &count, sizeof(count));
}

bool DrivenTransport::wait_fd_readable() {
  pollfd fd{attributes().wait_fd, POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

void drive(std::initializer_list<DrivenTransport*> transports, const std::function<bool()>& done,
           std::string_view what) {
  const auto until = Clock::now() + watchdog;
  while (!done()) {
    int events = 0;
    for (DrivenTransport* transport : transports) events += transport->step();
    if (done()) return;
    if (Clock::now() > until) throw std::runtime_error("no " + std::string(what) + " in time");
    // One transport sleeps as a host would; several take turns, so none may sleep for long.
    if (events == 0) (*transports.begin())->sleep(transports.size() == 1 ? 1000ms : 1ms);
  }
}

Linked::Linked(const std::string& listen_uri, const Opening& opening)
    : server(opening), client(opening) {
  const auto listening = server.listen(listen_uri);
  if (listening.status != TT_OK) throw std::runtime_error(listening.text);
  listener = listening.value;
  uri = server.uri(listener);
  const auto connecting = client.connect(uri);
  if (connecting.status != TT_OK) throw std::runtime_error(connecting.text);
  out = connecting.value;
  drive(
      {&server, &client}, [&] { return out->up == 1 && !server.accepted.empty(); },
      "connection to " + uri);
  in = server.accepted.front();
}

}  // namespace trestle::tcp::testing
