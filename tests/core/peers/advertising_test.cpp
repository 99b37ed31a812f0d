// Wildcards become addresses that others can use.
#include "peers/advertising.hpp"

#include <gmock/gmock.h>

namespace trestle::peers {
namespace {

using platform::HostAddress;
using ::testing::ElementsAre;

const HostAddress loopback4{"127.0.0.1", HostAddress::Family::v4, true};
const HostAddress loopback6{"::1", HostAddress::Family::v6, true};
const HostAddress lan4{"10.0.0.5", HostAddress::Family::v4, false};
const HostAddress lan6{"fd00::5", HostAddress::Family::v6, false};
const std::vector<HostAddress> all{loopback4, loopback6, lan4, lan6};

TEST(Advertising, LeavesAddressesAlone) {
  EXPECT_THAT(advertise({"tcp://127.0.0.1:7", "unix:///run/a.sock", "inproc://a"}, all),
              ElementsAre("tcp://127.0.0.1:7", "unix:///run/a.sock", "inproc://a"));
}

TEST(Advertising, AWildcardBecomesWhatItCovers) {
  EXPECT_THAT(advertise({"tcp://0.0.0.0:7"}, all), ElementsAre("tcp://10.0.0.5:7"));
  EXPECT_THAT(advertise({"tcp://[::]:7"}, all),
              ElementsAre("tcp://10.0.0.5:7", "tcp://[fd00::5]:7"));
  EXPECT_THAT(advertise({"tcp://*:7"}, all), ElementsAre("tcp://10.0.0.5:7", "tcp://[fd00::5]:7"));
}

TEST(Advertising, OptionsStay) {
  EXPECT_THAT(advertise({"tcp://*:7?nodelay=off"}, {lan4}),
              ElementsAre("tcp://10.0.0.5:7?nodelay=off"));
}

TEST(Advertising, WithoutANetworkTheLoopbackIsLeft) {
  EXPECT_THAT(advertise({"tcp://*:7"}, {loopback4, loopback6}),
              ElementsAre("tcp://127.0.0.1:7", "tcp://[::1]:7"));
}

}  // namespace
}  // namespace trestle::peers
