// Files of zmq+ipc:// listeners: private, never stolen, taken over when stale, removed at the end.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace trestle {
namespace {

namespace fs = std::filesystem;

class ZmqIpc : public ::testing::Test {
 protected:
  ZmqIpc() {
    std::string name = fs::temp_directory_path() / "trestle-ipc-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    path = directory_ / "x.sock";
    uri = "zmq+ipc://" + path.string();
  }
  ~ZmqIpc() override { fs::remove_all(directory_); }

  fs::path directory_;
  fs::path path;
  std::string uri;
};

TEST_F(ZmqIpc, OnlyTheOwnerMayUseTheFile) {
  Node node;

  ASSERT_TRUE(node.listen(uri).has_value());

  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ZmqIpc, AFileThatIsServedStaysWithItsListener) {
  Node first;
  Node second;
  ASSERT_TRUE(first.listen(uri).has_value());

  EXPECT_TRUE(second.listen(uri).error().is(Errc::address_in_use));

  EXPECT_TRUE(second.connect(uri).has_value());
}

TEST_F(ZmqIpc, AFileThatNobodyServesIsReplaced) {
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(dead);
  Node node;

  EXPECT_TRUE(node.listen(uri).has_value());
}

TEST_F(ZmqIpc, TheFileGoesWithItsListener) {
  Node node;
  ASSERT_TRUE(node.listen(uri).has_value());

  ASSERT_TRUE(node.close().has_value());

  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace trestle
