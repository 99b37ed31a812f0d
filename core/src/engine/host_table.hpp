// What a transport sees of the engine: the services of the host, and transports inside transports.
#pragma once

#include <trestle/ext/stack.h>
#include <trestle/thin_transport.h>
#include <trestle/clock.hpp>
#include <trestle/error.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::engine {

/// A plugin that is ready to open transports of a scheme. Lifetime of the descriptor: the process.
struct FoundPlugin {
  const tt_plugin& descriptor;
  std::uint32_t reach;  ///< TT_REACH_* of the scheme
};

using FindPlugin = std::function<Result<FoundPlugin>(std::string_view scheme)>;

/// What the host table of a transport is made of. Lifetime: longer than the transport.
struct HostServices {
  std::function<void()> wake;
  std::function<TimePoint()> now;
  std::function<void(int level, std::string_view text)> log;
  FindPlugin find_plugin{};  ///< for wrappers; empty: there is nothing to wrap
};

/// The host's table of one transport, and those of the transports that it wraps.
/// Threads: under the engine's lock; wake, now, log and memory: any.
/// Lifetime: longer than the transport.
class HostTable {
 public:
  /// Transports on top of one another, with the innermost.
  static constexpr std::uint32_t depth_max = 4;

  /// `scheme` is the transport's, for the texts of errors. Lifetime of `services`: longer.
  HostTable(const HostServices& services, std::string_view scheme)
      : HostTable(services, scheme, 1) {}
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  const tt_host* get() const noexcept { return &table_; }

 private:
  HostTable(const HostServices& services, std::string_view scheme, std::uint32_t depth);

  static HostTable& self(const tt_host* table) { return *static_cast<HostTable*>(table->ctx); }
  Result<FoundPlugin> find_inner(std::string_view scheme) const;
  tt_status open_inner(const tt_open_params& params, tt_inner& out, tt_error* error);

  const HostServices& services_;
  const std::string scheme_;
  const std::uint32_t depth_;
  tt_host table_;
  std::vector<std::unique_ptr<HostTable>> inner_;
};

}  // namespace trestle::engine
