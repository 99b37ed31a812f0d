// Sole owners of what libfabric hands out. Nothing else in the plugin closes or frees it.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <trestle/sdk/result.hpp>

#include <memory>
#include <string>

#include "ofi_error.hpp"

namespace trestle::ofi {

struct CloseFid {
  template <class Fid>
  void operator()(Fid* object) const noexcept {
    fi_close(&object->fid);
  }
};

/// Members that need each other are declared so that they close in this order: endpoints, regions,
/// queues, domain, fabric.
template <class Fid>
using Handle = std::unique_ptr<Fid, CloseFid>;

struct FreeInfo {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
};

/// A list of what a provider offers, or one entry of it.
using InfoPtr = std::unique_ptr<fi_info, FreeInfo>;

/// Calls `make(&raw)`, as the functions of libfabric that open something want it.
/// Errors: "cannot WHAT: " and libfabric's reason.
template <class Fid, class Make>
sdk::Result<Handle<Fid>> open_handle(const std::string& what, Make make) {
  Fid* raw = nullptr;
  if (const int failed = make(&raw); failed != 0) return ofi_error("cannot " + what, -failed);
  return Handle<Fid>(raw);
}

}  // namespace trestle::ofi
