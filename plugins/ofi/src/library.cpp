// The few functions that libfabric exports; all others are reached through its objects.
#include "library.hpp"

#include <dlfcn.h>
#include <rdma/fabric.h>
#include <signal.h>

#include <array>
#include <optional>
#include <string>

namespace trestle::ofi {
namespace {

/// Puts the program's signal handlers back.
class KeepSignalHandlers {
 public:
  KeepSignalHandlers() {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) == 0) at(number) = action;
    }
  }
  KeepSignalHandlers(const KeepSignalHandlers&) = delete;
  KeepSignalHandlers& operator=(const KeepSignalHandlers&) = delete;
  ~KeepSignalHandlers() {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction now {};
      if (!at(number) || ::sigaction(number, nullptr, &now) != 0) continue;
      if (now.sa_handler != at(number)->sa_handler) ::sigaction(number, &*at(number), nullptr);
    }
  }

 private:
  std::optional<struct sigaction>& at(int number) {
    return handlers_[static_cast<std::size_t>(number)];
  }
  std::array<std::optional<struct sigaction>, NSIG> handlers_;
};

struct Functions {
  decltype(&::fi_getinfo) getinfo = nullptr;
  decltype(&::fi_freeinfo) freeinfo = nullptr;
  decltype(&::fi_dupinfo) dupinfo = nullptr;
  decltype(&::fi_fabric) fabric = nullptr;
  decltype(&::fi_strerror) strerror = nullptr;
};

Functions functions;  // written once, before any of them is called

/// `version` is that of the headers which this plugin was built with: a later library keeps it.
template <class Function>
bool find(void* library, const char* name, const char* version, Function& function) {
  function = reinterpret_cast<Function>(::dlvsym(library, name, version));
  return function != nullptr;
}

sdk::Result<> load() {
  const KeepSignalHandlers handlers;
  void* const library = ::dlopen("libfabric.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    return sdk::Error(
        TT_E_UNSUPPORTED,
        std::string("libfabric cannot be loaded (Debian package libfabric1): ") + ::dlerror());
  }
  const bool complete = find(library, "fi_getinfo", "FABRIC_1.3", functions.getinfo) &&
                        find(library, "fi_freeinfo", "FABRIC_1.3", functions.freeinfo) &&
                        find(library, "fi_dupinfo", "FABRIC_1.3", functions.dupinfo) &&
                        find(library, "fi_fabric", "FABRIC_1.1", functions.fabric) &&
                        find(library, "fi_strerror", "FABRIC_1.0", functions.strerror);
  if (!complete) {
    return sdk::Error(TT_E_UNSUPPORTED, std::string("libfabric is not usable: ") + ::dlerror());
  }
  // The first question loads providers, which may do the same.
  fi_info* found = nullptr;
  if (fi_getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0, nullptr, &found) == 0) fi_freeinfo(found);
  return {};
}

}  // namespace

sdk::Result<> load_library() {
  static const sdk::Result<> loaded = load();
  return loaded;
}

}  // namespace trestle::ofi

// What rdma/fabric.h declares, for it and for this plugin.
extern "C" {

int fi_getinfo(std::uint32_t version, const char* node, const char* service, std::uint64_t flags,
               const fi_info* hints, fi_info** info) {
  return trestle::ofi::functions.getinfo(version, node, service, flags, hints, info);
}
void fi_freeinfo(fi_info* info) {
  trestle::ofi::functions.freeinfo(info);
}
fi_info* fi_dupinfo(const fi_info* info) {
  return trestle::ofi::functions.dupinfo(info);
}
int fi_fabric(fi_fabric_attr* attr, fid_fabric** fabric, void* context) {
  return trestle::ofi::functions.fabric(attr, fabric, context);
}
const char* fi_strerror(int number) {
  return trestle::ofi::functions.strerror(number);
}
}
