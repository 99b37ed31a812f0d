// Where a node can be reached that was told no address: by this host alone. The kernel's own list
// of listening sockets says so.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "trestle/test_support/built_transports.hpp"

namespace trestle {
namespace {

/// The numbers of all sockets of this process.
std::set<std::string> own_sockets() {
  std::set<std::string> sockets;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    const std::string begin = "socket:[";
    if (gone || !target.starts_with(begin)) continue;
    sockets.insert(target.substr(begin.size(), target.size() - begin.size() - 1));
  }
  return sockets;
}

/// As the kernel writes it: hexadecimal, each four bytes in the order of the processor.
bool is_loopback(const std::string& address) {
  const std::string v4_in_v6 = "0000000000000000FFFF0000";
  if (address == "00000000000000000000000001000000") return true;
  const bool is_v4 = address.size() == 8 || address.starts_with(v4_in_v6);
  return is_v4 && address.ends_with("7F");
}

/// Addresses that this process listens at, by TCP.
std::vector<std::string> listening_addresses() {
  const auto own = own_sockets();
  std::vector<std::string> addresses;
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // what the columns are
    while (std::getline(file, line)) {
      std::istringstream columns(line);
      std::string number, local, remote, state, queues, timer, retries, user, timeout, inode;
      columns >> number >> local >> remote >> state >> queues >> timer >> retries >> user >>
          timeout >> inode;
      const bool is_listening = state == "0A";
      if (is_listening && own.contains(inode))
        addresses.push_back(local.substr(0, local.find(':')));
    }
  }
  return addresses;
}

bool are_loopback(const std::vector<std::string>& addresses) {
  return std::ranges::all_of(addresses, is_loopback);
}

class Exposure : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Transports, Exposure,
                         ::testing::ValuesIn(test_support::of_this_build({"tcp://", "zmq+tcp://",
                                                                          "ofi+tcp://"})),
                         [](const auto& one) {
                           const std::string scheme = one.param;
                           return scheme.substr(0, scheme.find_first_of("+:"));
                         });

TEST_P(Exposure, IsSeenByThisTest) {
  Node node;
  const auto uri = node.listen(GetParam() + std::string("0.0.0.0:0?insecure=1"));
  if (uri.has_error()) GTEST_SKIP() << "not here: " << uri.error().text;

  EXPECT_FALSE(are_loopback(listening_addresses()));
}

TEST_P(Exposure, IsThatOfThisHostWhateverShortFormIsUsed) {
  int listening = 0;
  for (const char* form : {"127.0.0.1:0",
                           "localhost:0",
                           "[::1]:0",
                           "",
                           "*",
                           "*:0",
                           ":0",
                           "0",
                           "0:0",
                           "0.0.0.0",
                           "0.0.0.0:0",
                           "[::]:0",
                           "[::]",
                           "[::ffff:0.0.0.0]:0",
                           "[::ffff:0:0]:0",
                           "0x0:0",
                           "127.1:0",
                           "127.0.0.1",
                           "localhost",
                           "0.0.0.0:0?insecure=0",
                           "*:0?insecure=0",
                           "%2a:0",
                           "localhost.:0"}) {
    Node node;
    const auto uri = node.listen(GetParam() + std::string(form));

    listening += uri.has_value() ? 1 : 0;
    for (const std::string& address : listening_addresses()) {
      EXPECT_TRUE(is_loopback(address)) << "'" << form << "' listens at " << address;
    }
  }

  EXPECT_GE(listening, 2) << "these are no forms any more";
}

TEST(NodesThatOnlyConnect, ListenNowhere) {
  Node server;
  server.add(unary("seven", [] { return 7; })).value();
  const std::string uri = server.listen("unix://*").value();
  Node client;

  EXPECT_EQ(client.connect(uri).value().call<int>("seven").value(), 7);

  EXPECT_EQ(listening_addresses(), std::vector<std::string>());
  EXPECT_TRUE(client.info().address.is_empty());
}

}  // namespace
}  // namespace trestle
