// The finer rules of a descriptor, on descriptors in memory.
#include "plugin_loading/descriptor_rules.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>

namespace trestle::plugin_loading {
namespace {

using testing::HasSubstr;

class DescriptorRules : public testing::Test {
 protected:
  DescriptorRules() {
    // From a sound plugin; the tests then break copies of it.
    void* object = dlopen(FAKE_PLUGIN_DIR "/fake_none.so", RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) throw std::runtime_error(dlerror());
    plugin_ = *static_cast<const tt_plugin*>(dlsym(object, "tt_plugin_v1"));
    ops_ = *plugin_.ops;
    plugin_.ops = &ops_;
  }

  /// The text of the rejection; empty if the descriptor is sound.
  std::string rejection() const {
    const auto checked = check_descriptor(plugin_, "/x/trestle_fake.so");
    return checked.has_error() ? checked.error().text : std::string();
  }

  tt_plugin plugin_{};
  tt_ops ops_{};
};

TEST_F(DescriptorRules, AcceptASoundOne) {
  EXPECT_EQ(rejection(), "");
}

TEST_F(DescriptorRules, AcceptANewerPluginThatStillWorksHere) {
  plugin_.abi_minor = TT_ABI_MINOR + 1;
  plugin_.size += 64;
  ops_.size += 64;

  EXPECT_EQ(rejection(), "");
}

TEST_F(DescriptorRules, AcceptOptionalOperationsThatAreMissing) {
  ops_.flush = nullptr;
  ops_.rx_release = nullptr;
  ops_.conn_pause = nullptr;
  ops_.extension = nullptr;
  plugin_.init = nullptr;
  plugin_.extension = nullptr;

  EXPECT_EQ(rejection(), "");
}

TEST_F(DescriptorRules, NameEachMissingMandatoryOperation) {
  const std::pair<const char*, std::function<void(tt_ops&)>> removals[] = {
      {"open", [](tt_ops& ops) { ops.open = nullptr; }},
      {"query", [](tt_ops& ops) { ops.query = nullptr; }},
      {"shutdown", [](tt_ops& ops) { ops.shutdown = nullptr; }},
      {"destroy", [](tt_ops& ops) { ops.destroy = nullptr; }},
      {"listen", [](tt_ops& ops) { ops.listen = nullptr; }},
      {"listener_uri", [](tt_ops& ops) { ops.listener_uri = nullptr; }},
      {"unlisten", [](tt_ops& ops) { ops.unlisten = nullptr; }},
      {"connect", [](tt_ops& ops) { ops.connect = nullptr; }},
      {"conn_set_user", [](tt_ops& ops) { ops.conn_set_user = nullptr; }},
      {"conn_info", [](tt_ops& ops) { ops.conn_info = nullptr; }},
      {"conn_close", [](tt_ops& ops) { ops.conn_close = nullptr; }},
      {"conn_free", [](tt_ops& ops) { ops.conn_free = nullptr; }},
      {"send", [](tt_ops& ops) { ops.send = nullptr; }},
      {"progress", [](tt_ops& ops) { ops.progress = nullptr; }},
      {"arm", [](tt_ops& ops) { ops.arm = nullptr; }},
  };
  const tt_ops complete = ops_;

  for (const auto& [name, remove] : removals) {
    ops_ = complete;
    remove(ops_);

    EXPECT_THAT(rejection(), HasSubstr("operation '" + std::string(name) + "' is missing"));
  }
}

TEST_F(DescriptorRules, RefuseAShortDescriptor) {
  plugin_.size = sizeof(tt_plugin) - 1;

  EXPECT_THAT(rejection(), HasSubstr("its descriptor is too short: 87 bytes, not 88"));
}

TEST_F(DescriptorRules, RefuseADescriptorWithoutOperations) {
  plugin_.ops = nullptr;

  EXPECT_THAT(rejection(), HasSubstr("no table of operations"));
}

TEST_F(DescriptorRules, RefuseADescriptorWithoutName) {
  plugin_.version = nullptr;

  EXPECT_THAT(rejection(), HasSubstr("lacks a name, a version or a vendor"));
}

TEST_F(DescriptorRules, RefuseADescriptorWithoutSchemes) {
  plugin_.nschemes = 0;

  EXPECT_THAT(rejection(), HasSubstr("declares no schemes"));
}

TEST_F(DescriptorRules, RefuseASchemeOfUnknownReach) {
  const tt_scheme schemes[] = {{"tcp", TT_REACH_NETWORK + 1, 0}};
  plugin_.schemes = schemes;
  plugin_.nschemes = 1;

  EXPECT_THAT(rejection(), HasSubstr("its scheme 'tcp' has the unknown reach 4"));
}

TEST_F(DescriptorRules, PreferAnExactSchemeToItsFamily) {
  const tt_scheme schemes[] = {{"ofi+*", TT_REACH_NETWORK, 0}, {"ofi+shm", TT_REACH_HOST, 0}};
  plugin_.schemes = schemes;
  plugin_.nschemes = 2;

  EXPECT_EQ(find_scheme(plugin_, "ofi+shm"), &schemes[1]);
  EXPECT_EQ(find_scheme(plugin_, "ofi+tcp"), &schemes[0]);
  EXPECT_EQ(find_scheme(plugin_, "ofi"), nullptr);
}

}  // namespace
}  // namespace trestle::plugin_loading
