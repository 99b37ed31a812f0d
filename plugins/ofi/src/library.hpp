// libfabric, loaded when it is first needed.
#pragma once

#include <trestle/sdk/result.hpp>

namespace trestle::ofi {

/// Loads libfabric into the process, once; it stays. It is not linked: its own libraries replace
/// the program's signal handlers as soon as they are loaded, which is undone here; and a machine
/// without it can be told so. The functions of rdma/fabric.h may be called after that.
/// Errors: TT_E_UNSUPPORTED with the dynamic linker's text, and what to install.
sdk::Result<> load_library();

}  // namespace trestle::ofi
