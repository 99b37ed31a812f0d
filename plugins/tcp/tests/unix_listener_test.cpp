// Files of unix listeners: private, recovered when stale, never stolen, removed at the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "driven_transport.hpp"
#include "raw_socket.hpp"

namespace trestle::tcp::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class UnixListener : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    path = directory + "/socket";
  }
  void TearDown() override { fs::remove_all(directory); }

  static mode_t mode_of(const std::string& file) {
    struct stat status {};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
    return status.st_mode & 07777;
  }

  std::string directory = "/tmp/trestle-test-XXXXXX";
  std::string path;
  DrivenTransport server{{.scheme = "unix"}};
};

TEST_F(UnixListener, ItsFileIsForThisUserOnly) {
  const mode_t before = ::umask(0);
  const auto listening = server.listen("unix://" + path);
  ::umask(before);

  ASSERT_EQ(listening.status, TT_OK) << listening.text;
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST_F(UnixListener, ItsFileIsForThisUserOnlyFromTheFirstInstant) {
  std::atomic<bool> stopping{false};
  std::atomic<int> seen{0};
  std::atomic<int> open_to_others{0};
  std::thread watching([&] {
    while (!stopping) {
      struct stat status {};
      if (::lstat(path.c_str(), &status) != 0) continue;
      ++seen;
      if ((status.st_mode & 07777) != 0600) ++open_to_others;
    }
  });
  const mode_t before = ::umask(0);
  const auto until = std::chrono::steady_clock::now() + 10s;
  for (int i = 0; i < 200 || (seen < 100 && std::chrono::steady_clock::now() < until); ++i) {
    server.unlisten(server.listen("unix://" + path).value);
    server.step();
  }
  ::umask(before);
  stopping = true;
  watching.join();

  EXPECT_GT(seen, 0);
  EXPECT_EQ(open_to_others, 0);
}

TEST_F(UnixListener, RemovesItsFileAtTheEnd) {
  tt_listener* listener = server.listen("unix://" + path).value;
  EXPECT_TRUE(fs::exists(path));

  server.unlisten(listener);

  EXPECT_FALSE(fs::exists(path));
}

TEST_F(UnixListener, LeavesAFileAloneThatTookItsPlace) {
  tt_listener* listener = server.listen("unix://" + path).value;
  // The first name must stay in use, or the file system may give its inode number away again.
  fs::rename(path, path + ".moved");
  const RawSocket other = RawSocket::bound_to(path);

  server.unlisten(listener);

  EXPECT_TRUE(fs::exists(path));
}

TEST_F(UnixListener, TakesOverAStaleFile) {
  { const RawSocket dead = RawSocket::bound_to(path); }
  ASSERT_TRUE(fs::exists(path));

  const auto listening = server.listen("unix://" + path);
  ASSERT_EQ(listening.status, TT_OK) << listening.text;

  DrivenTransport client({.scheme = "unix"});
  Seen* conn = client.connect("unix://" + path).value;
  drive(
      {&server, &client}, [&] { return conn->up == 1; }, "CONNECTED");
}

TEST_F(UnixListener, NeverStealsALiveOne) {
  ASSERT_EQ(server.listen("unix://" + path).status, TT_OK);
  DrivenTransport other({.scheme = "unix"});

  const auto second = other.listen("unix://" + path);
  EXPECT_EQ(second.status, TT_E_ADDRINUSE);
  EXPECT_THAT(second.text, HasSubstr("another process listens there"));

  Seen* conn = other.connect("unix://" + path).value;
  drive(
      {&server, &other}, [&] { return conn->up == 1 && !server.accepted.empty(); }, "CONNECTED");
  EXPECT_EQ(server.accepted.size(), 1u) << "asking whether it lives is no connection";
}

TEST_F(UnixListener, NeverRemovesWhatIsNoSocket) {
  std::ofstream(path) << "precious";

  const auto listening = server.listen("unix://" + path);

  EXPECT_EQ(listening.status, TT_E_ADDRINUSE);
  EXPECT_THAT(listening.text, HasSubstr("is not a socket"));
  EXPECT_EQ(fs::file_size(path), 8u);
}

TEST_F(UnixListener, AnAbstractNameInUseIsRefused) {
  ASSERT_EQ(server.listen("unix://@trestle-in-use-test").status, TT_OK);

  EXPECT_EQ(server.listen("unix://@trestle-in-use-test").status, TT_E_ADDRINUSE);
}

TEST_F(UnixListener, AMissingDirectoryIsNamed) {
  const auto listening = server.listen("unix://" + directory + "/missing/socket");

  EXPECT_EQ(listening.status, TT_E_ADDR);
  EXPECT_THAT(listening.text, HasSubstr("the directory does not exist"));
}

TEST_F(UnixListener, APathThatIsTooLongNamesTheLimit) {
  const std::string fits = directory + "/" + std::string(107 - directory.size() - 1, 'x');

  EXPECT_EQ(server.listen("unix://" + fits).status, TT_OK);
  for (const auto& refused :
       {server.listen("unix://" + fits + "x").text, server.connect("unix://" + fits + "x").text,
        server.listen("unix://@" + std::string(108, 'x')).text}) {
    EXPECT_THAT(refused, HasSubstr("108 bytes; the limit of a unix socket address is 107"));
  }
}

TEST_F(UnixListener, GeneratedNamesLiveInAPrivateDirectoryThatIsRemoved) {
  ::setenv("XDG_RUNTIME_DIR", directory.c_str(), 1);
  {
    DrivenTransport own({.scheme = "unix"});
    tt_listener* listener = own.listen("unix://*").value;
    const std::string first = own.uri(listener).substr(std::string("unix://").size());
    const std::string second = own.uri(own.listen("unix://*").value);
    const std::string made = fs::path(first).parent_path();
    EXPECT_NE("unix://" + first, second);
    EXPECT_THAT(made, HasSubstr(directory + "/trestle-"));
    EXPECT_EQ(mode_of(made), 0700u);
    EXPECT_EQ(mode_of(first), 0600u);

    own.unlisten(listener);

    EXPECT_FALSE(fs::exists(first));
  }
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_TRUE(fs::is_empty(directory)) << "removed with the transport";
}

TEST_F(UnixListener, PeersKnowEachOthersProcessAndUser) {
  const std::string uri = server.uri(server.listen("unix://" + path).value);
  DrivenTransport client({.scheme = "unix"});
  Seen* conn = client.connect(uri).value;
  drive(
      {&server, &client}, [&] { return conn->up == 1 && !server.accepted.empty(); }, "CONNECTED");

  for (const tt_conn_info& info : {client.info(*conn), server.info(*server.accepted[0])}) {
    EXPECT_EQ(info.peer_pid, ::getpid());
    EXPECT_EQ(info.peer_uid, static_cast<std::int64_t>(::getuid()));
  }
  EXPECT_STREQ(client.info(*conn).peer_uri, uri.c_str());
  EXPECT_STREQ(server.info(*server.accepted[0]).local_uri, uri.c_str());
}

}  // namespace
}  // namespace trestle::tcp::testing
