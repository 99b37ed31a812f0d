// Asking for everything, and sorting it by provider.
#include "report.hpp"

#include <trestle/transport_kit/addresses.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <string_view>

#include "fabric_search.hpp"
#include "library.hpp"

namespace trestle::ofi {
namespace {

std::string in_quotes(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (code < 0x20) {
      json += {'\\', 'u', '0', '0', digits[code >> 4], digits[code & 0xF]};
    } else {
      json += c;
    }
  }
  return json + '"';
}

/// "mlx5_0 10.0.0.7".
std::string place_of(const fi_info& entry) {
  std::string place = entry.domain_attr->name == nullptr ? "" : entry.domain_attr->name;
  if (entry.src_addr == nullptr) return place;
  std::string uri =
      transport_kit::uri_of(transport_kit::SocketAddress(entry.src_addr, entry.src_addrlen));
  const std::size_t start = uri.find("://");
  if (start == std::string::npos) return place;
  uri = uri.substr(start + 3);
  return place + ' ' + uri.substr(0, uri.rfind(':'));
}

/// Those for which there is no connected endpoint, so that their entries say nothing of use.
void add_others(std::vector<FoundProvider>& providers) {
  for (const std::string& name : provider_names()) {
    const bool known = std::any_of(providers.begin(), providers.end(),
                                   [&](const FoundProvider& one) { return one.name == name; });
    if (known) continue;
    FabricOptions options;
    options.provider = name;
    const auto found = find_provider(options, Advice::none);
    providers.push_back({name, found.has_error() ? found.error().text : "", {}});
  }
}

tt_status write_json(char* buffer, std::size_t* length) {
  try {
    const std::string json = to_json(find_providers());
    const std::size_t room = *length;
    *length = json.size() + 1;
    if (room < *length) return TT_E_TOOBIG;
    std::memcpy(buffer, json.c_str(), *length);
    return TT_OK;
  } catch (const std::exception&) {
    return TT_E_FAILED;
  }
}

}  // namespace

std::vector<FoundProvider> find_providers() {
  if (const auto loaded = load_library(); loaded.has_error()) {
    return {{"libfabric", loaded.error().text, {}}};
  }
  std::vector<FoundProvider> providers;
  const auto list = connected_entries();
  for (const fi_info* entry = list.get(); entry != nullptr; entry = entry->next) {
    const std::string name = entry->fabric_attr->prov_name;
    auto found = std::find_if(providers.begin(), providers.end(),
                              [&](const FoundProvider& one) { return one.name == name; });
    if (found == providers.end()) {
      found = providers.insert(found, {name, unfit_because(*entry), {}});
    }
    found->places.push_back(place_of(*entry));
  }
  add_others(providers);
  return providers;
}

std::string to_json(const std::vector<FoundProvider>& providers) {
  std::string json;
  for (const FoundProvider& provider : providers) {
    const std::string uri = provider.reason.empty() ? "ofi+" + provider.name + "://" : "";
    std::string places;
    for (const std::string& place : provider.places) {
      places += (places.empty() ? "" : ",") + in_quotes(place);
    }
    json += (json.empty() ? "" : ",") + ("{\"name\":" + in_quotes(provider.name)) +
            ",\"uri\":" + in_quotes(uri) + ",\"reason\":" + in_quotes(provider.reason) +
            ",\"places\":[" + places + "]}";
  }
  return "[" + json + "]";
}

const tt_report& report_table() noexcept {
  static constexpr tt_report table{sizeof(tt_report), 0, &write_json};
  return table;
}

}  // namespace trestle::ofi
