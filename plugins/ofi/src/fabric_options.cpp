// Reading options.
#include "fabric_options.hpp"

#include <trestle/transport_kit/option_reader.hpp>

#include <cstddef>

namespace trestle::ofi {
namespace {

constexpr std::uint64_t buffer_bytes_min = 256;
constexpr std::uint64_t buffer_bytes_max = 1024 * 1024;
constexpr std::uint64_t ahead_bytes_max = 64 * 1024 * 1024;

}  // namespace

template <class Options>
sdk::Result<FabricOptions> FabricOptions::read(FabricOptions read, const Options& options) {
  auto family = static_cast<std::size_t>(read.family);
  auto bulk = static_cast<std::size_t>(read.bulk);
  auto registering = static_cast<std::size_t>(read.registering);
  transport_kit::OptionReader reader;
  reader.duration("connect_timeout", read.connect_timeout)
      .text("domain", read.domain)
      .number("rx_buffers", 8, 1024, read.receive_buffers)
      .bytes("rx_buffer", read.receive_buffer_bytes)
      .bytes("rx_ahead", read.ahead_bytes)
      .number("rx_hold_max", 0, 65'536, read.held_packets_max)
      .choice("bulk", {"off", "on"}, bulk)
      .choice("register", {"as_needed", "always"}, registering)
      .choice("family", {"any", "4", "6"}, family);
  if (!read.scheme_has_provider_) reader.text("prov", read.provider);
  if (auto done = reader.apply(options); done.has_error()) return done.error();
  if (read.receive_buffer_bytes < buffer_bytes_min ||
      read.receive_buffer_bytes > buffer_bytes_max) {
    return sdk::Error(TT_E_ADDR, "option rx_buffer: expected 256B to 1MiB, got " +
                                     std::to_string(read.receive_buffer_bytes) + "B");
  }
  if (read.ahead_bytes > ahead_bytes_max) {
    return sdk::Error(TT_E_ADDR, "option rx_ahead: expected at most 64MiB, got " +
                                     std::to_string(read.ahead_bytes) + "B");
  }
  read.family = static_cast<transport_kit::Family>(family);
  read.bulk = static_cast<Bulk>(bulk);
  read.registering = static_cast<Registering>(registering);
  return read;
}

sdk::Result<FabricOptions> FabricOptions::defaults(const std::string& provider,
                                                   std::span<const tt_kv> options) {
  FabricOptions start;
  start.provider = provider;
  start.scheme_has_provider_ = !provider.empty();
  return read(start, options);
}

sdk::Result<FabricOptions> FabricOptions::with(
    const std::map<std::string, std::string>& options) const {
  return read(*this, options);
}

}  // namespace trestle::ofi
