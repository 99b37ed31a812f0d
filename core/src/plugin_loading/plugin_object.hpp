// Opening a plugin's shared object and finding its descriptor.
#pragma once

#include "plugin_loading/checked_file.hpp"

#include <trestle/thin_transport.h>
#include <trestle/error.hpp>

namespace trestle::plugin_loading {

/// Opens the object for good (it is never unloaded, not even when later checks refuse it) and
/// returns the descriptor that it exports. None of the plugin's own calls is made.
/// Errors: Errc::plugin_rejected: the dynamic linker's text; no descriptor; one that belongs to a
/// dependency; an object that is not the checked file.
Result<const tt_plugin*> open_plugin(const CheckedFile& file);

}  // namespace trestle::plugin_loading
