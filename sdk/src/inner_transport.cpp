// Opening an inner transport, and its calls in C++ terms.
#include <trestle/sdk/inner_transport.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace trestle::sdk {
namespace {

tt_error empty_error() {
  tt_error error{};
  error.size = sizeof(error);
  return error;
}

Error error_of(tt_status status, const tt_error& error) {
  const auto* const end = std::find(std::begin(error.text), std::end(error.text), '\0');
  return {status, std::string(std::begin(error.text), end), error.os_errno, error.native};
}

}  // namespace

Result<InnerTransport> InnerTransport::open(Host host, const OpenOptions& options) {
  const auto plus = options.scheme.find('+');
  if (plus == std::string_view::npos) {
    return Error(TT_E_ADDR, "scheme '" + std::string(options.scheme) +
                                "' names no inner transport: expected '" +
                                std::string(options.scheme) + "+SCHEME'");
  }
  InnerTransport self(std::string(options.scheme.substr(0, plus + 1)),
                      std::string(options.scheme.substr(plus + 1)));
  const auto* const stack = static_cast<const tt_stack*>(host.extension(TT_STACK_ID));
  if (stack == nullptr) {
    return Error(TT_E_UNSUPPORTED, "'" + std::string(options.scheme) + "' wraps '" + self.scheme_ +
                                       "', and this host opens no inner transports: it has no " +
                                       TT_STACK_ID);
  }
  tt_open_params params{};
  params.size = sizeof(params);
  params.flags = options.threads_allowed ? 0 : TT_OPEN_NO_THREADS;
  params.scheme = self.scheme_.c_str();
  params.kv = options.defaults.data();
  params.nkv = options.defaults.size();
  params.rx_max_msg = options.packet_bytes_max;
  params.tx_hwm_bytes = options.queue_bytes_max;
  params.linger_ns = static_cast<std::uint64_t>(options.linger.count());
  params.rx_first_msg_max = options.first_packet_bytes_max;
  self.inner_.size = sizeof(self.inner_);
  tt_error error = empty_error();
  const tt_status status = stack->open(host.table(), &params, &self.inner_, &error);
  if (status < 0) return error_of(status, error);
  return self;
}

Result<std::string> InnerTransport::inward(std::string_view uri) const {
  const std::string own = wrapper_ + scheme_ + "://";
  if (!uri.starts_with(own)) {
    return Error(TT_E_ADDR, "'" + std::string(uri) + "': expected a URI that begins with " + own);
  }
  return std::string(uri.substr(wrapper_.size()));
}

std::string InnerTransport::outward(std::string_view inner_uri) const {
  return inner_uri.starts_with(scheme_ + "://") ? wrapper_ + std::string(inner_uri)
                                                : std::string(inner_uri);
}

tt_attr InnerTransport::attributes() const noexcept {
  tt_attr attr{};
  attr.size = sizeof(attr);
  attr.wait_fd = -1;
  ops().query(handle(), &attr);
  return attr;
}

Result<tt_listener*> InnerTransport::listen(const std::string& uri, void* user) {
  tt_listener* listener = nullptr;
  tt_error error = empty_error();
  const tt_status status = ops().listen(handle(), uri.c_str(), user, &listener, &error);
  if (status < 0) return error_of(status, error);
  return listener;
}

std::string InnerTransport::listener_uri(tt_listener* listener) {
  std::string uri(255, '\0');
  std::size_t length = uri.size() + 1;
  while (ops().listener_uri(handle(), listener, uri.data(), &length) == TT_E_TOOBIG) {
    uri.resize(length - 1);
  }
  uri.resize(length - 1);
  return uri;
}

Result<tt_conn*> InnerTransport::connect(const std::string& uri, void* user) {
  tt_conn* conn = nullptr;
  tt_error error = empty_error();
  const tt_status status = ops().connect(handle(), uri.c_str(), user, &conn, &error);
  if (status < 0) return error_of(status, error);
  return conn;
}

ConnectionInfo InnerTransport::describe(tt_conn* conn) {
  tt_conn_info info{};
  info.size = sizeof(info);
  info.peer_pid = info.peer_uid = -1;
  ops().conn_info(handle(), conn, &info);
  return {info.local_uri, info.peer_uri, info.peer_pid, info.peer_uid};
}

Arming InnerTransport::arm() noexcept {
  std::uint64_t at = 0;
  Arming arming;
  arming.may_sleep = ops().arm(handle(), &at) == TT_OK;
  if (at != 0) arming.deadline = std::chrono::nanoseconds(static_cast<std::int64_t>(at));
  return arming;
}

bool InnerTransport::destroy() noexcept {
  if (inner_.transport != nullptr && ops().destroy(handle()) != TT_OK) return false;
  inner_.transport = nullptr;
  return true;
}

}  // namespace trestle::sdk
