// Hints for fi_getinfo, and the reasons behind "No data available".
#include "fabric_search.hpp"

#include <netdb.h>
#include <rdma/fi_errno.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "message_tag.hpp"

namespace trestle::ofi {
namespace {

using transport_kit::SocketAddress;

InfoPtr make_hints(const FabricOptions& options) {
  InfoPtr hints(fi_allocinfo());
  if (hints == nullptr) return hints;
  // fi_freeinfo frees these with free().
  if (!options.provider.empty()) {
    hints->fabric_attr->prov_name = ::strdup(options.provider.c_str());
  }
  if (!options.domain.empty()) hints->domain_attr->name = ::strdup(options.domain.c_str());
  return hints;
}

InfoPtr message_hints(const FabricOptions& options) {
  InfoPtr hints = make_hints(options);
  if (hints == nullptr) return hints;
  hints->caps = options.bulk == Bulk::on ? FI_MSG | FI_RMA : FI_MSG;
  hints->mode = FI_RX_CQ_DATA;  // every message of ours has a buffer posted for it anyway
  hints->ep_attr->type = FI_EP_MSG;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_ALLOCATED | FI_MR_VIRT_ADDR | FI_MR_PROV_KEY;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;  // the host serialises all calls
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  hints->tx_attr->msg_order = hints->rx_attr->msg_order = FI_ORDER_SAS;
  hints->rx_attr->comp_order = FI_ORDER_STRICT;
  return hints;
}

/// An address as fi_getinfo takes it: two texts.
struct Place {
  std::array<char, NI_MAXHOST> node{};
  std::array<char, NI_MAXSERV> service{};

  explicit Place(const SocketAddress& address) {
    // Numbers to text: looks nothing up.
    ::getnameinfo(address.data(), address.size(), node.data(), NI_MAXHOST, service.data(),
                  NI_MAXSERV, NI_NUMERICHOST | NI_NUMERICSERV);
  }
};

int ask(const char* node, const char* service, std::uint64_t flags, const InfoPtr& hints,
        InfoPtr& found) {
  if (hints == nullptr) return FI_ENOMEM;
  fi_info* list = nullptr;
  const int failed = fi_getinfo(api_version, node, service, flags, hints.get(), &list);
  found.reset(list);
  return -failed;
}

std::string quoted(const std::string& text) {
  return '"' + text.substr(0, 60) + '"';
}

bool has_rdma_device() {
  std::error_code none;
  const std::filesystem::directory_iterator devices("/sys/class/infiniband", none);
  return !none && devices != std::filesystem::directory_iterator();
}

std::string providers_found() {
  std::set<std::string> names;
  const InfoPtr all = connected_entries();
  for (const fi_info* entry = all.get(); entry != nullptr; entry = entry->next) {
    if (unfit_because(*entry).empty()) names.insert(entry->fabric_attr->prov_name);
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// Why `options` lead to no connected endpoint at all.
sdk::Error why_none(const FabricOptions& options, int number) {
  const std::string provider =
      options.provider.empty() ? "any provider" : "provider " + quoted(options.provider);
  if (number != FI_ENODATA) return ofi_error("cannot ask libfabric for " + provider, number);
  InfoPtr others;
  if (ask(nullptr, nullptr, 0, make_hints(options), others) == 0) {
    return sdk::Error(TT_E_UNSUPPORTED, provider +
                                            " has no connected endpoints (FI_EP_MSG), only "
                                            "unconnected ones, which Trestle does not use");
  }
  if (options.provider == "verbs" && !has_rdma_device()) {
    return sdk::Error(TT_E_UNSUPPORTED,
                      "this machine has no RDMA device (/sys/class/infiniband is empty), which "
                      "libfabric's provider \"verbs\" needs");
  }
  return sdk::Error(TT_E_UNSUPPORTED,
                    "libfabric's " + provider + " is not there, or finds no device");
}

/// The first entry that can be used, alone. Errors: why the last one cannot.
sdk::Result<InfoPtr> first_fit(const InfoPtr& list, const FabricOptions& options) {
  sdk::Error why(TT_E_UNSUPPORTED, "nothing fits");
  for (const fi_info* entry = list.get(); entry != nullptr; entry = entry->next) {
    const std::string domain = entry->domain_attr->name;
    if (!options.domain.empty() && options.domain != domain) {  // not all providers look at it
      why = sdk::Error(TT_E_ADDR, "option domain: expected one that leads there, such as " +
                                      quoted(domain) + ", got " + quoted(options.domain));
      continue;
    }
    const std::string unfit = unfit_because(*entry);
    if (unfit.empty()) {
      InfoPtr chosen(fi_dupinfo(entry));
      if (chosen == nullptr) return ofi_error("cannot copy what libfabric found", FI_ENOMEM);
      return chosen;
    }
    why = sdk::Error(TT_E_UNSUPPORTED, unfit);
  }
  return why;
}

}  // namespace

std::string unfit_because(const fi_info& entry) {
  const std::string name = entry.fabric_attr->prov_name;
  const std::string provider = "provider " + quoted(name);
  if (name == "net") {
    return provider + " keeps its descriptors ready, so that no host could sleep: use ofi+tcp";
  }
  if (entry.ep_attr->type != FI_EP_MSG) return provider + " has no connected endpoints (FI_EP_MSG)";
  if (entry.domain_attr->cq_data_size < sizeof(std::uint16_t)) {
    return provider + " carries no completion data, which tells messages apart";
  }
  if (entry.tx_attr->inject_size < Grant::encoded_bytes) {
    return provider + " injects " + std::to_string(entry.tx_attr->inject_size) +
           " bytes at most; expected " + std::to_string(Grant::encoded_bytes) + " or more";
  }
  return {};
}

bool has_threads(const fi_info& entry) {
  return std::string_view(entry.fabric_attr->prov_name).starts_with("sockets");
}

InfoPtr connected_entries() {
  InfoPtr found;
  ask(nullptr, nullptr, 0, message_hints({}), found);
  return found;
}

std::set<std::string> provider_names() {
  std::set<std::string> names{"verbs"};
  InfoPtr found;
  ask(nullptr, nullptr, 0, make_hints({}), found);
  for (const fi_info* entry = found.get(); entry != nullptr; entry = entry->next) {
    names.insert(entry->fabric_attr->prov_name);
  }
  return names;
}

sdk::Result<InfoPtr> find_provider(const FabricOptions& options, Advice advice) {
  FabricOptions anywhere = options;
  anywhere.domain.clear();
  InfoPtr list;
  const int failed = ask(nullptr, nullptr, 0, message_hints(anywhere), list);
  auto found =
      failed != 0 ? sdk::Result<InfoPtr>(why_none(anywhere, failed)) : first_fit(list, anywhere);
  if (found.has_value() || advice == Advice::none) return found;
  sdk::Error error = found.error();
  error.text += "; providers that can be used here: " + providers_found();
  return error;
}

sdk::Result<InfoPtr> find_fabric(const FabricOptions& options, const SocketAddress& address,
                                 Side side) {
  const Place place(address);
  const std::uint64_t flags = FI_NUMERICHOST | (side == Side::listening ? FI_SOURCE : 0);
  InfoPtr list;
  const int failed =
      ask(place.node.data(), place.service.data(), flags, message_hints(options), list);
  if (failed == 0) return first_fit(list, options);
  // Is it the provider, or the address?
  if (auto usable = find_provider(options, Advice::alternatives); usable.has_error())
    return usable.error();
  if (failed != FI_ENODATA) return ofi_error("libfabric refuses the address", failed);
  return sdk::Error(
      TT_E_UNREACHABLE,
      "libfabric finds no way to " + std::string(place.node.data()) +
          (options.provider.empty() ? "" : " with provider " + quoted(options.provider)));
}

}  // namespace trestle::ofi
