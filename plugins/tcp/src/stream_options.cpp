// Reading and applying socket options.
#include "stream_options.hpp"

#include <trestle/transport_kit/option_reader.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <limits>

namespace trestle::tcp {
namespace {

constexpr std::uint64_t buffer_bytes_max = std::numeric_limits<int>::max();

// What the kernel takes for each of them.
constexpr std::chrono::hours timeout_max{24};
constexpr std::chrono::seconds keepalive_max{32'767};

// Unanswered probes, a second apart, until an idle connection is given up.
constexpr int probes = 3;
constexpr int probe_seconds = 1;

void set_option(int fd, int level, int name, int value) noexcept {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

template <class Options>
sdk::Result<StreamOptions> read(StreamOptions read, Scheme scheme, const Options& options) {
  auto family = static_cast<std::size_t>(read.family);
  transport_kit::OptionReader reader;
  reader.duration("connect_timeout", read.connect_timeout);
  reader.duration("stall_timeout", read.stall_timeout);
  reader.bytes("sndbuf", read.send_buffer_bytes).bytes("rcvbuf", read.receive_buffer_bytes);
  if (scheme == Scheme::tcp) {
    reader.on_off("nodelay", read.nodelay).choice("family", {"any", "4", "6"}, family);
    reader.duration("user_timeout", read.user_timeout).duration("keepalive", read.keepalive);
  }
  if (auto done = reader.apply(options); done.has_error()) return done.error();
  if (read.send_buffer_bytes > buffer_bytes_max || read.receive_buffer_bytes > buffer_bytes_max) {
    return sdk::Error(TT_E_ADDR, "options sndbuf and rcvbuf: the limit is " +
                                     std::to_string(buffer_bytes_max) + "B");
  }
  if (read.user_timeout > timeout_max || read.keepalive > keepalive_max) {
    return sdk::Error(TT_E_ADDR, "options user_timeout and keepalive: the limits are " +
                                     std::to_string(timeout_max.count()) + "h and " +
                                     std::to_string(keepalive_max.count()) + "s");
  }
  read.family = static_cast<Family>(family);
  return read;
}

}  // namespace

sdk::Result<StreamOptions> StreamOptions::defaults(Scheme scheme, std::span<const tt_kv> options) {
  return read(StreamOptions(), scheme, options);
}

sdk::Result<StreamOptions> StreamOptions::with(
    Scheme scheme, const std::map<std::string, std::string>& options) const {
  return read(*this, scheme, options);
}

void apply(const StreamOptions& options, Scheme scheme, int fd) noexcept {
  if (options.send_buffer_bytes > 0) {
    set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer_bytes));
  }
  if (options.receive_buffer_bytes > 0) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer_bytes));
  }
  if (scheme != Scheme::tcp) return;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, options.nodelay ? 1 : 0);
  if (options.user_timeout.count() > 0) {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(options.user_timeout);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(time.count()));
  }
  if (options.keepalive.count() <= 0) return;
  const auto idle = std::chrono::ceil<std::chrono::seconds>(options.keepalive);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(idle.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, probe_seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
}

}  // namespace trestle::tcp
