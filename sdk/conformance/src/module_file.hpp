// What the file of a module says about itself, read without loading it.
#pragma once

#include <string>
#include <vector>

namespace trestle::conformance {

struct ModuleFile {
  std::vector<std::string> exports;  ///< defined dynamic symbols that others see
  std::vector<std::string> needs;    ///< DT_NEEDED: the libraries that come with it
};

/// Errors: Failed, if the file is not a module of this machine.
ModuleFile read_module(const std::string& path);

}  // namespace trestle::conformance
