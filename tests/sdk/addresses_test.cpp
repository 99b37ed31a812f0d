// Socket addresses from text.
#include <trestle/transport_kit/addresses.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace {

using namespace trestle::transport_kit;
using testing::HasSubstr;

TEST(UnixAddress, ComesBackAsItsUri) {
  EXPECT_EQ(uri_of(unix_address("/run/x.sock").value()), "unix:///run/x.sock");
  EXPECT_EQ(uri_of(unix_address("@name").value()), "unix://@name");
}

TEST(UnixAddress, HoldsNoNulByte) {
  for (const std::string& text : {std::string("/run/x\0y", 8), std::string("@na\0me", 6)}) {
    const auto address = unix_address(text);
    ASSERT_TRUE(address.has_error()) << text.size();
    EXPECT_EQ(address.error().code, TT_E_ADDR);
    EXPECT_THAT(address.error().text, HasSubstr("NUL byte"));
  }
}

}  // namespace
