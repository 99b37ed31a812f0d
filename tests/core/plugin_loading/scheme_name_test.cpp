// Schemes: which are well-formed, which file they lead to, which family covers them.
#include "plugin_loading/scheme_name.hpp"

#include <gmock/gmock.h>

namespace trestle::plugin_loading {
namespace {

using testing::HasSubstr;

TEST(SchemeName, LeadsToTheFileOfItsBase) {
  EXPECT_EQ(plugin_file_name("tcp").value(), "trestle_tcp.so");
  EXPECT_EQ(plugin_file_name("zmq+ipc").value(), "trestle_zmq.so");
  EXPECT_EQ(plugin_file_name("pass+zmq+ipc").value(), "trestle_pass.so");
  EXPECT_EQ(plugin_file_name("h2").value(), "trestle_h2.so");
}

TEST(SchemeName, RefusesWhatCouldChangeThePath) {
  const std::string_view malformed[] = {"",
                                        "+",
                                        "tcp+",
                                        "+tcp",
                                        "a++b",
                                        "a+b+",
                                        "Tcp",
                                        "2a",
                                        "..",
                                        "a/b",
                                        "a.b",
                                        "a_b",
                                        "../evil",
                                        "tcp+../evil",
                                        "a%2fb",
                                        "a b",
                                        std::string_view("a\0b", 3)};

  for (const std::string_view scheme : malformed) {
    const auto name = plugin_file_name(scheme);

    ASSERT_TRUE(name.has_error()) << scheme;
    EXPECT_TRUE(name.error().is(Errc::bad_endpoint)) << scheme;
  }
}

TEST(SchemeName, RefusesMoreThan64Bytes) {
  EXPECT_TRUE(plugin_file_name(std::string(64, 'a')).has_value());

  const auto long_name = plugin_file_name(std::string(65, 'a'));

  ASSERT_TRUE(long_name.has_error());
  EXPECT_THAT(long_name.error().text, HasSubstr("up to 64 bytes"));
}

TEST(SchemeName, ShowsAMalformedOneAsOnePrintableLine) {
  const auto name = plugin_file_name("tcp\n\x1b[31mowned");

  ASSERT_TRUE(name.has_error());
  EXPECT_THAT(name.error().text, HasSubstr("'tcp??[31mowned' is not a URI scheme"));
}

TEST(SchemeName, IsCoveredByItselfAndByItsFamily) {
  EXPECT_TRUE(covers("tcp", "tcp"));
  EXPECT_TRUE(covers("ofi+*", "ofi+tcp"));

  EXPECT_FALSE(covers("tcp", "tcpx"));
  EXPECT_FALSE(covers("ofi+*", "ofi"));
  EXPECT_FALSE(covers("ofi+*", "ofi+"));
  EXPECT_FALSE(covers("ofi+*", "ofix+tcp"));
}

}  // namespace
}  // namespace trestle::plugin_loading
