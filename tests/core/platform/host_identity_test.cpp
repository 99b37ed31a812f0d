// The identity of this host.
#include "platform/host_identity.hpp"

#include <gtest/gtest.h>

namespace trestle::platform {
namespace {

TEST(HostIdentity, IsKnownAndStaysTheSame) {
  const auto first = host_identity();

  EXPECT_NE(first, (std::array<std::uint8_t, 16>{}));
  EXPECT_EQ(host_identity(), first);
}

}  // namespace
}  // namespace trestle::platform
