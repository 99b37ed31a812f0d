// A server that has no descriptors left: who is there is served, and who comes later, too.
#include <stdio.h>
#include <unistd.h>

#include <array>

#include "siege.hpp"

namespace trestle::hostile {
namespace {

/// `trestle serve` with few descriptors.
class Server {
 public:
  explicit Server(const std::string& uri)
      : process_(::popen(("ulimit -n 64; echo $$; exec " TRESTLE_TOOL " serve --listen '" + uri +
                          "' 2>/dev/null")
                             .c_str(),
                         "r")) {
    pid_ = std::stoi(line());
    const std::string said = line();
    const std::size_t at = said.find("://");
    const std::size_t begin = said.rfind(' ', at) + 1;
    uri_ = said.substr(begin, said.find_first_of(" \n", at) - begin);
  }
  ~Server() {
    ::kill(pid_, SIGKILL);
    ::pclose(process_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& uri() const { return uri_; }

 private:
  std::string line() {
    std::array<char, 512> text{};
    return ::fgets(text.data(), text.size(), process_) != nullptr ? text.data() : "";
  }

  FILE* process_;
  pid_t pid_ = 0;
  std::string uri_;
};

class Descriptors : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Sockets, Descriptors, all_sockets(), scheme_of);

TEST_P(Descriptors, ThatAreUsedUpKeepNobodyFromBeingServedForLong) {
  const Server server(GetParam());
  Bystander bystander(server.uri());
  {
    std::vector<Stranger> strangers;
    for (int i = 0; i < 500; ++i) strangers.emplace_back(server.uri());
    Node node;
    const auto refused = node.connect(server.uri(), {.timeout = 300ms});
    EXPECT_TRUE(refused.has_error()) << "there was a descriptor left";
  }

  Node late;
  const auto began = std::chrono::steady_clock::now();
  const auto peer = late.connect(server.uri(), {.timeout = 5s});
  const auto took = std::chrono::steady_clock::now() - began;

  ASSERT_TRUE(peer.has_value()) << peer.error();
  EXPECT_EQ(peer->call<int>("echo", 7).value(), 7);
  EXPECT_LT(took, 2s);
  const Bystander::Service service = bystander.stop();
  EXPECT_GE(service.served * 100, service.calls * 99);
  EXPECT_GT(service.calls, 10);
}

}  // namespace
}  // namespace trestle::hostile
