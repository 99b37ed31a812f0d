// dlopen through Boost.DLL, and the proof of where the symbol came from.
#include "plugin_loading/plugin_object.hpp"

#include "plugin_loading/rejection.hpp"

#include <dlfcn.h>
#include <link.h>
#include <boost/dll/shared_library.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace trestle::plugin_loading {
namespace {

constexpr const char* descriptor_symbol = "tt_plugin_v1";

/// Boost.DLL wraps the dynamic linker's text in its own; the wrapping says nothing.
std::string linker_text(std::string_view wrapped) {
  constexpr std::string_view opening = "dlerror system message: ";
  const auto begin = wrapped.find(opening);
  const auto end = wrapped.rfind(')');
  if (begin == std::string_view::npos || end == std::string_view::npos) return std::string(wrapped);
  return std::string(wrapped.substr(begin + opening.size(), end - begin - opening.size()));
}

Result<boost::dll::shared_library> open_object(const CheckedFile& file) {
  namespace load_mode = boost::dll::load_mode;
  // On POSIX Boost hands the mode on to dlopen, but has no name for this flag.
  const auto never_unload = static_cast<load_mode::type>(RTLD_NODELETE);
  try {
    return boost::dll::shared_library(file.real_path(),
                                      load_mode::rtld_now | load_mode::rtld_local | never_unload);
  } catch (const std::exception& e) {
    return rejected(file.path(), "the dynamic linker refuses it: " + linker_text(e.what()));
  }
}

}  // namespace

Result<const tt_plugin*> open_plugin(const CheckedFile& file) {
  const auto object = open_object(file);
  if (object.has_error()) return object.error();
  if (!object->has(descriptor_symbol)) {
    return rejected(file.path(), std::string("exports no symbol ") + descriptor_symbol +
                                     ": not a ThinTransport plugin");
  }
  const auto* descriptor = &object->get<const tt_plugin>(descriptor_symbol);

  // dlsym also searches the dependencies of what it is asked about.
  link_map* opened = nullptr;
  link_map* owner = nullptr;
  Dl_info symbol{};
  dlinfo(object->native(), RTLD_DI_LINKMAP, &opened);
  dladdr1(descriptor, &symbol, reinterpret_cast<void**>(&owner), RTLD_DL_LINKMAP);
  if (opened == nullptr || owner != opened) {
    return rejected(file.path(), std::string("its symbol ") + descriptor_symbol + " belongs to " +
                                     (symbol.dli_fname != nullptr ? symbol.dli_fname : "nothing") +
                                     ", a dependency: the plugin has none of its own");
  }
  const auto same = file.confirm_backs(symbol.dli_fbase);
  if (same.has_error()) return same.error();
  return descriptor;
}

}  // namespace trestle::plugin_loading
