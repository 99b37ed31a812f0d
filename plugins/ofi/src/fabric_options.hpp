// The options of ofi:// URIs.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/addresses.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace trestle::ofi {

/// Whose memory is registered with the provider.
enum class Registering {
  as_needed,  ///< what the provider asks for (FI_MR_LOCAL)
  always,     ///< all that it touches: for tests where no provider asks
};

/// Whether memory may be opened to the other side (tt.bulk).
enum class Bulk { off, on };

/// Options of one URI.
struct FabricOptions {
  std::string provider;  ///< empty: libfabric's first that fits
  std::string domain;    ///< empty: the one that leads to the address
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(10);
  std::int64_t receive_buffers = 16;               ///< posted on each connection
  std::uint64_t receive_buffer_bytes = 16 * 1024;  ///< each
  std::int64_t held_packets_max = 0;               ///< by the host, of one connection; 0: no bound
  std::uint64_t ahead_bytes = 2304 * 1024;         ///< posted for large packets to come; 0: none
  Registering registering = Registering::as_needed;
  Bulk bulk = Bulk::off;
  transport_kit::Family family = transport_kit::Family::any;

  /// Options given at open, for every URI. `provider`: of the scheme, or empty: then the URI may
  /// name it. Errors, here and below: TT_E_ADDR naming the option.
  static sdk::Result<FabricOptions> defaults(const std::string& provider,
                                             std::span<const tt_kv> options);

  /// These, with those of a URI in their place.
  sdk::Result<FabricOptions> with(const std::map<std::string, std::string>& options) const;

 private:
  template <class Options>
  static sdk::Result<FabricOptions> read(FabricOptions read, const Options& options);

  bool scheme_has_provider_ = false;
};

}  // namespace trestle::ofi
