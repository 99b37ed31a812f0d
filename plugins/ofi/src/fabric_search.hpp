// Asking libfabric what leads to an address; and, if nothing does, why.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/socket_address.hpp>

#include <cstdint>
#include <set>
#include <string>

#include "fabric_options.hpp"
#include "handles.hpp"

namespace trestle::ofi {

/// The interface of libfabric that this plugin is written against.
inline constexpr std::uint32_t api_version = FI_VERSION(1, 17);

enum class Side { listening, connecting };

/// What to open for `address`: connected endpoints whose messages carry a tag.
/// Errors: TT_E_UNSUPPORTED: the provider has no such endpoints, or is not there; says which one to
/// take. TT_E_UNREACHABLE: it has no way to the address.
sdk::Result<InfoPtr> find_fabric(const FabricOptions& options,
                                 const transport_kit::SocketAddress& address, Side side);

/// Whether an error's text goes on with what can be used instead.
enum class Advice { none, alternatives };

/// The same without an address and a domain. Errors: TT_E_UNSUPPORTED.
sdk::Result<InfoPtr> find_provider(const FabricOptions& options, Advice advice);

/// All entries with connected endpoints, fit or not; null if there are none.
InfoPtr connected_entries();

/// The names of all providers that find something, and of `verbs`.
std::set<std::string> provider_names();

/// Why an entry cannot be used; empty if it can.
std::string unfit_because(const fi_info& entry);

/// Whether the provider runs threads of its own.
bool has_threads(const fi_info& entry);

}  // namespace trestle::ofi
