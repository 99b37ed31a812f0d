// The module itself: what it exports, what it brings along, what loading it costs.
#include <dlfcn.h>
#include <sys/resource.h>
#include <time.h>
#include <trestle/ext/stack.h>

#include <array>
#include <filesystem>
#include <set>

#include "../bench.hpp"
#include "../loaded_plugin.hpp"
#include "../module_file.hpp"
#include "../resources.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

void exports_descriptor_alone(Bench& bench) {
  const ModuleFile module = read_module(bench.subject().plugin_path);
  bool described = false;

  for (const std::string& name : module.exports) {
    const bool descriptor = name.starts_with("tt_plugin_v");
    expect(descriptor, "dynamic symbols: expected tt_plugin_v1 alone, got " + name +
                           " (link with a version script, as trestle_add_transport() does)");
    described = described || name == "tt_plugin_v1";
  }

  expect(described, "dynamic symbols: expected tt_plugin_v1, got none of that name");
}

void links_nothing_of_the_host(Bench& bench) {
  const std::string& path = bench.subject().plugin_path;
  for (const std::string& library : read_module(path).needs) {
    expect(!library.starts_with("libtrestle"),
           "needed libraries: expected none of the host's, got " + library);
  }

  // This process has none of the host's symbols to offer.
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

  expect(module != nullptr, std::string("loading the module alone, with RTLD_NOW: expected no "
                                        "undefined symbols, got ") +
                                (module == nullptr ? ::dlerror() : ""));
}

void expect_text(const char* text, const std::string& what) {
  expect(text != nullptr && *text != '\0', "descriptor: expected a " + what + ", got none");
}

void descriptor_is_complete(Bench& bench) {
  const tt_plugin& plugin = bench.plugin();

  Dl_info home{};
  const bool found = ::dladdr(&plugin, &home) != 0;
  expect(found && std::filesystem::equivalent(home.dli_fname, bench.subject().plugin_path),
         "tt_plugin_v1: expected it in the plugin's own file, got one of " +
             std::string(found ? home.dli_fname : "an unknown place"));
  expect_text(plugin.name, "name");
  expect_text(plugin.version, "version");
  expect_text(plugin.vendor, "vendor");
  // `extension` ends both tables of the oldest minor version.
  expect(TT_HAS(tt_plugin, &plugin, extension),
         "descriptor: expected a size of at least 0.9's, got " + std::to_string(plugin.size));
  expect(TT_HAS(tt_ops, plugin.ops, extension),
         "ops: expected a size of at least 0.9's, got " + std::to_string(plugin.ops->size));
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < plugin.nschemes; ++i) {
    const tt_scheme& scheme = plugin.schemes[i];
    expect_text(scheme.name, "name for every scheme");
    const std::string named = std::string("scheme ") + scheme.name;
    expect(names.insert(scheme.name).second, named + ": expected it once, got it twice");
    expect(scheme.reach >= TT_REACH_PROCESS && scheme.reach <= TT_REACH_NETWORK,
           named + ": expected a TT_REACH_*, got " + std::to_string(scheme.reach));
    const bool family = named.ends_with("+*");
    expect_equal(named + ": flags", 0u, scheme.flags & ~(family ? TT_SCHEME_WRAPS : 0u));
  }
}

double cpu_milliseconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

void loading_starts_nothing(Bench& bench) {
  constexpr double milliseconds_max = 50;
  const std::string& path = bench.subject().plugin_path;
  // What its libraries take is theirs. One that cannot be found by its name alone counts as part.
  for (const std::string& library : read_module(path).needs) {
    static_cast<void>(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
  }
  const std::size_t descriptors = open_descriptors();
  const std::size_t threads = running_threads();
  const double before = cpu_milliseconds();

  static_cast<void>(bench.plugin());

  const double took = cpu_milliseconds() - before;
  expect_equal("file descriptors after loading", descriptors, open_descriptors());
  expect_equal("threads after loading", threads, running_threads());
  expect(took < milliseconds_max,
         "loading, apart from libraries: expected less than 50 ms of "
         "processor time, got " +
             std::to_string(took) + " ms");
}

void unknown_extensions(Bench& bench) {
  constexpr const char* unknown = "org.example.no-such-extension/99";
  const tt_plugin& plugin = bench.plugin();
  if (plugin.extension != nullptr) {
    expect(plugin.extension(unknown) == nullptr,
           "the plugin's extension(\"" + std::string(unknown) + "\"): expected null, got a table");
  }
  Driver& driver = bench.open();
  expect(driver.extension(unknown) == nullptr,
         "a transport's extension(\"" + std::string(unknown) + "\"): expected null, got a table");
}

constexpr Needs unloaded{.loading = Loading::by_the_check};

}  // namespace

std::span<const Check> loading_checks() {
  static constexpr std::array checks = {
      Check{"ItExportsItsDescriptorAlone", "Versions", 0, exports_descriptor_alone, unloaded},
      Check{"ItLinksNothingOfTheHost", "Versions", 0, links_nothing_of_the_host, unloaded},
      Check{"TheDescriptorIsComplete", "Versions", 0, descriptor_is_complete, unloaded},
      Check{"LoadingStartsNothing", "Calls and events", 0, loading_starts_nothing, unloaded},
      Check{"UnknownExtensionsAreNull",
            "Versions",
            0,
            unknown_extensions,
            {.traffic = Traffic::none}},
  };
  return checks;
}

}  // namespace trestle::conformance
