// trestle fabrics: what plugins say of this machine, and what becomes of those that cannot.
#include "tool_process.hpp"

#include <trestle/codec.hpp>

#include <gmock/gmock.h>
#include <boost/describe/class.hpp>

#include <filesystem>
#include <stdexcept>

namespace trestle::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Fabric {
  std::string name;
  std::string uri;
  std::string reason;
  std::vector<std::string> places;
};
BOOST_DESCRIBE_STRUCT(Fabric, (), (name, uri, reason, places))

struct FabricReport {
  std::string file;
  std::string error;
  std::vector<Fabric> fabrics;
};
BOOST_DESCRIBE_STRUCT(FabricReport, (), (file, error, fabrics))

TEST(Fabrics, SayWhatCanBeUsedAndWhatIsMissing) {
  const auto ended = ToolProcess({"fabrics"}, {}).wait();

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("trestle_ofi.so"), HasSubstr("  yes  ofi+tcp://"),
                               HasSubstr("127.0.0.1"), HasSubstr("  no   net: "),
                               Not(HasSubstr("trestle_tcp.so"))));
}

TEST(Fabrics, AreOneJsonArray) {
  const auto ended = ToolProcess({"fabrics", "--json"}, {}).wait();

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto reports = decode<std::vector<FabricReport>>(Codec::json, as_bytes(ended.out)).value();
  ASSERT_EQ(reports.size(), 1u);
  const auto& fabrics = reports.front().fabrics;
  const auto verbs = std::find_if(fabrics.begin(), fabrics.end(),
                                  [](const Fabric& one) { return one.name == "verbs"; });
  ASSERT_NE(verbs, fabrics.end()) << "it is named also where it is missing";
  EXPECT_NE(verbs->uri.empty(), verbs->reason.empty());
}

TEST(Fabrics, AreExplainedInOneSentenceWhereTheDeviceIsMissing) {
  std::error_code none;
  const std::filesystem::directory_iterator devices("/sys/class/infiniband", none);
  if (!none && devices != std::filesystem::directory_iterator()) {
    GTEST_SKIP() << "this machine has RDMA devices";
  }

  const auto ended = ToolProcess({"explain", "ofi+verbs://10.0.0.7:7000"}, {}).wait();

  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.out,
              HasSubstr("  failed: cannot open transport 'ofi+verbs': this machine has no "
                        "RDMA device (/sys/class/infiniband is empty), which libfabric's "
                        "provider \"verbs\" needs; providers that can be used here: "));
}

TEST(Fabrics, AreNoneWithoutSuchAPlugin) {
  const std::string empty = std::filesystem::temp_directory_path() / "no-such-plugins";

  const auto ended = ToolProcess({"fabrics"}, {{"TRESTLE_PLUGIN_PATH", empty}}).wait();

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("no plugin says"));
}

}  // namespace
}  // namespace trestle::tools
