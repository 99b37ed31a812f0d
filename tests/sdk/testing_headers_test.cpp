// The headers for tests, together: one declares a namespace `testing` beside GoogleTest's.
#include <trestle/testing/test_network.hpp>

#include <trestle/conformance/gtest.hpp>

namespace trestle {
namespace {

TEST(TestingHeaders, CompileBesideEachOther) {
  const auto none = [](const conformance::Check&) { return false; };
  EXPECT_TRUE(conformance::instantiate("None", conformance::Subject(), none));
}

}  // namespace
}  // namespace trestle
