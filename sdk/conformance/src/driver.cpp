// Calls into the transport, with the checks that hold for every call.
#include "driver.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "failure.hpp"

namespace trestle::conformance {
namespace {

tt_error empty_error() {
  tt_error error{};
  error.size = sizeof(error);
  return error;
}

}  // namespace

Driver::Driver(const tt_plugin& plugin, const Subject& subject, const OpenOptions& options)
    : ops_(*plugin.ops),
      host_(std::make_unique<TestHost>(options.clock, subject)),
      batch_events_(options.batch_events) {
  tt_open_params params{};
  params.size = sizeof(params);
  params.flags = options.flags;
  params.scheme = subject.scheme.c_str();
  params.rx_max_msg = options.packet_bytes_max;
  params.tx_hwm_bytes = options.queue_bytes_max;
  params.linger_ns = static_cast<std::uint64_t>(options.linger.count());
  params.rx_first_msg_max = options.first_packet_bytes_max;
  tt_error error = empty_error();
  const tt_status status = ops_.open(host_->table(), &params, &transport_, &error);
  if (status == TT_E_UNSUPPORTED && options.flags != 0) {
    throw Skipped{std::string("open without threads is not supported: ") + error.text};
  }
  if (status != TT_OK) fail("open: " + name_of_status(status) + ": " + error.text);
  attributes_.size = sizeof(attributes_);
  expect_status("query", TT_OK, ops_.query(transport_, &attributes_));
  expect(attributes_.max_iov >= 4, "max_iov: expected at least 4");
}

Driver::~Driver() {
  // A transport that a failed check left behind may still call its host.
  if (transport_ != nullptr) static_cast<void>(host_.release());
}

tt_attr Driver::query_again() {
  tt_attr attr{};
  attr.size = sizeof(attr);
  query_into(attr);
  return attr;
}

void Driver::query_into(tt_attr& attr) {
  const auto guard = serialise();
  expect_status("query", TT_OK, ops_.query(transport_, &attr));
}

void Driver::connect_badly(tt_error* error) {
  tt_conn* conn = nullptr;
  const auto guard = serialise();
  expect_status("connect to no-such-scheme://x", TT_E_ADDR,
                ops_.connect(transport_, "no-such-scheme://x", nullptr, &conn, error));
}

const void* Driver::extension(const char* id) {
  const auto guard = serialise();
  return ops_.extension == nullptr ? nullptr : ops_.extension(transport_, id);
}

std::unique_lock<std::mutex> Driver::serialise() {
  TestHost::this_thread_drives();
  if (attributes_.thread_level == TT_THREAD_MULTI) return {};
  return std::unique_lock(serial_mutex_);
}

Listener& Driver::listen(const std::string& uri) {
  Listener* listener = nullptr;
  const ColdResult result = try_listen(uri, &listener);
  if (result.status != TT_OK) {
    fail("listen " + uri + ": expected TT_OK, got " + name_of_status(result.status) + ": " +
         result.text);
  }
  return *listener;
}

ColdResult Driver::try_listen(const std::string& uri, Listener** out) {
  auto listener = std::make_unique<Listener>();
  tt_error error = empty_error();
  const auto guard = serialise();
  const tt_status status =
      ops_.listen(transport_, uri.c_str(), listener.get(), &listener->handle, &error);
  if (status == TT_OK) {
    if (out != nullptr) *out = listener.get();
    const std::lock_guard lock(state_mutex_);
    listeners_.push_back(std::move(listener));
  }
  return {status, error.text};
}

ColdResult Driver::read_listener_uri(Listener& listener, std::size_t room) {
  std::vector<char> buffer(room + 1, '\xA5');
  std::size_t length = room;
  const auto guard = serialise();
  const tt_status status = ops_.listener_uri(transport_, listener.handle, buffer.data(), &length);
  expect(buffer.back() == '\xA5', "listener_uri: wrote beyond the buffer");
  if (status == TT_OK) return {status, buffer.data()};
  return {status, std::to_string(length)};
}

std::string Driver::uri_of(Listener& listener) {
  const ColdResult result = read_listener_uri(listener, 512);
  expect_status("listener_uri with room for 512 bytes", TT_OK, result.status);
  return result.text;
}

void Driver::unlisten(Listener& listener) {
  const auto guard = serialise();
  ops_.unlisten(transport_, listener.handle);
}

Connection& Driver::connect(const std::string& uri) {
  Connection* conn = nullptr;
  const ColdResult result = try_connect(uri, &conn);
  if (result.status != TT_OK) {
    fail("connect " + uri + ": expected TT_OK, got " + name_of_status(result.status) + ": " +
         result.text);
  }
  return *conn;
}

ColdResult Driver::try_connect(const std::string& uri, Connection** out) {
  auto conn = std::make_unique<Connection>();
  tt_error error = empty_error();
  const auto guard = serialise();
  // Under the lock: the leader may see events of this connection before connect() returns.
  const std::lock_guard lock(state_mutex_);
  const tt_status status = ops_.connect(transport_, uri.c_str(), conn.get(), &conn->handle, &error);
  if (status == TT_OK) {
    if (out != nullptr) *out = conn.get();
    by_handle_[conn->handle] = conn.get();
    connections_.push_back(std::move(conn));
  }
  return {status, error.text};
}

tt_conn_info Driver::describe(Connection& conn) {
  tt_conn_info info{};
  info.size = sizeof(info);
  const auto guard = serialise();
  expect_status("conn_info", TT_OK, ops_.conn_info(transport_, conn.handle, &info));
  return info;
}

SendResult Driver::send(Connection& conn, std::span<const std::byte> bytes, std::uint32_t flags) {
  const tt_iov segment{bytes.data(), bytes.size()};
  return send(conn, std::span(&segment, 1), flags);
}

SendResult Driver::send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags) {
  SendResult result{.op = ++last_op_};
  std::size_t bytes = 0;
  for (const tt_iov& segment : segments) bytes += segment.len;
  {
    const std::lock_guard lock(state_mutex_);
    ++conn.sends_running;
    // Copying sends never pend: millions of empty packets are sent so.
    if ((flags & TT_SEND_COPY) == 0) conn.pending[result.op] = {};
  }
  {
    const auto guard = serialise();
    result.status = ops_.send(transport_, conn.handle, segments.data(),
                              static_cast<std::uint32_t>(segments.size()), flags, result.op);
  }
  const std::lock_guard lock(state_mutex_);
  check_answer(result, bytes, flags);
  settle_send(conn, result);
  return result;
}

void Driver::check_answer(const SendResult& result, std::size_t bytes, std::uint32_t flags) {
  if (result.status > TT_PENDING)
    violate(rules::answers, "send answered " + name_of_status(result.status));
  if (result.status != TT_PENDING) return;
  if ((attributes_.caps & TT_CAP_TX_BORROW) == 0) {
    violate(rules::borrowing, "send answered TT_PENDING without TT_CAP_TX_BORROW");
  }
  if ((flags & TT_SEND_COPY) != 0)
    violate(rules::borrowing, "a send with TT_SEND_COPY answered TT_PENDING");
  if (bytes <= attributes_.copy_max) {
    violate(rules::borrowing, "a send of " + std::to_string(bytes) +
                                  " bytes answered TT_PENDING; copy_max is " +
                                  std::to_string(attributes_.copy_max));
  }
}

void Driver::settle_send(Connection& conn, const SendResult& result) {
  --conn.sends_running;
  const auto at = conn.pending.find(result.op);
  const bool is_known = at != conn.pending.end();
  const bool sent = is_known && at->second.sent;
  if (result.status == TT_PENDING) {
    conn.pending[result.op].answered = true;
    if (!sent && conn.closed)
      violate(rules::lending, "TT_PENDING, but CLOSED came without SENT before");
  }
  if (result.status != TT_PENDING && sent)
    violate(rules::lending, "SENT for an op that did not pend");
  if (is_known && (result.status != TT_PENDING || sent)) conn.pending.erase(at);
  if (result.status == TT_E_AGAIN) {
    conn.owes_writable = !conn.early_writable;
    conn.early_writable = false;
  } else if (conn.sends_running == 0 && conn.early_writable) {
    violate(rules::writable, "WRITABLE without TT_E_AGAIN before");
  }
}

void Driver::flush() {
  if (ops_.flush == nullptr) return;
  const auto guard = serialise();
  static_cast<void>(ops_.flush(transport_));
}

void Driver::pause(Connection& conn) {
  const auto guard = serialise();
  ops_.conn_pause(transport_, conn.handle, 1);
}

void Driver::resume(Connection& conn) {
  const auto guard = serialise();
  ops_.conn_pause(transport_, conn.handle, 0);
}

void Driver::close(Connection& conn, std::uint32_t flags) {
  const auto guard = serialise();
  ops_.conn_close(transport_, conn.handle, flags);
}

void Driver::free(Connection& conn) {
  {
    const std::lock_guard lock(state_mutex_);
    conn.freed = true;
    by_handle_.erase(conn.handle);
  }
  const auto guard = serialise();
  ops_.conn_free(transport_, conn.handle);
}

void Driver::free_and_forget(Listener* from, Connection& conn) {
  free(conn);
  const std::lock_guard lock(state_mutex_);
  if (from != nullptr) std::erase(from->accepted, &conn);
  std::erase_if(connections_, [&](const auto& known) { return known.get() == &conn; });
}

void Driver::release(Arrival& arrival) {
  if (arrival.rx == nullptr) return;
  const auto guard = serialise();
  ops_.rx_release(transport_, std::exchange(arrival.rx, nullptr));
}

bool Driver::arm() {
  deadline_ns_ = 0;
  const auto guard = serialise();
  const tt_status status = ops_.arm(transport_, &deadline_ns_);
  if (status != TT_E_BUSY) expect_status("arm", TT_OK, status);
  return status == TT_OK;
}

std::chrono::milliseconds Driver::until_deadline() const {
  if (deadline_ns_ == 0) return std::chrono::hours(1);
  const std::uint64_t now = host_->now_ns();
  const std::uint64_t left_ns = deadline_ns_ > now ? deadline_ns_ - now : 0;
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(left_ns)));
}

bool Driver::sleep(std::chrono::milliseconds bound) {
  return sleep_on(attributes_.wait_fd, bound);
}

bool Driver::sleep_strictly(std::chrono::milliseconds bound) {
  constexpr int none = -1;  // poll() passes over it
  const bool announces_all = (attributes_.wait_flags & TT_WAIT_WAKE) != 0;
  return sleep_on(announces_all ? none : attributes_.wait_fd, bound);
}

bool Driver::sleep_on(int wait_fd, std::chrono::milliseconds bound) {
  std::array<pollfd, 2> fds{{{host_->wake_fd(), POLLIN, 0}, {wait_fd, POLLIN, 0}}};
  if (!can_sleep()) bound = std::min(bound, std::chrono::milliseconds(1));
  bound = std::min(bound, until_deadline());
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(bound.count()));
  if ((fds[0].revents & POLLIN) != 0) host_->consume_wake();
  return ready > 0;
}

void Driver::shutdown() {
  shutting_down_ = true;
  const auto guard = serialise();
  ops_.shutdown(transport_, 0);
}

tt_status Driver::destroy() {
  const auto guard = serialise();
  const tt_status status = ops_.destroy(transport_);
  if (status == TT_OK) transport_ = nullptr;
  return status;
}

std::vector<Violation> Driver::violations() const {
  const std::lock_guard lock(state_mutex_);
  return violations_;
}

void Driver::violate(const Rule& rule, const std::string& text) {
  violations_.push_back({&rule, text});
}

}  // namespace trestle::conformance
