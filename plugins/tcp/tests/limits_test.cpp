// What happens at limits of the system: descriptors, backlogs, time.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "driven_transport.hpp"
#include "raw_socket.hpp"

namespace trestle::tcp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

std::set<int> open_descriptors() {
  std::set<int> open;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    open.insert(std::stoi(entry.path().filename()));
  }
  std::erase_if(open, [](int fd) { return ::fcntl(fd, F_GETFD) < 0; });
  return open;
}

/// No descriptor beyond those that are open now, for the life of this object.
class DescriptorLimit {
 public:
  DescriptorLimit() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    // The limit is on the number, so it must be the lowest that is free.
    const int lowest = ::dup(0);
    ::close(lowest);
    const rlimit tight{static_cast<rlim_t>(lowest), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(Limits, AcceptBacksOffWhileThereAreNoDescriptors) {
  DrivenTransport server({});
  const std::string uri = server.uri(server.listen("tcp://127.0.0.1:0").value);
  const RawSocket peer = RawSocket::to_port(port_in(uri));
  bool readable = true;
  tt_status armed = TT_E_FAILED;
  std::uint64_t deadline = 0;
  {
    // Nothing is checked in here: the sanitizers need descriptors for that.
    const DescriptorLimit limit;
    while (server.logs.empty()) server.step();
    for (int i = 0; i < 10; ++i) server.step();
    readable = server.wait_fd_readable();
    armed = server.arm(deadline);
    server.advance(200ms);
    server.step();
  }
  EXPECT_FALSE(readable) << "the waiting connection would keep the host awake";
  EXPECT_EQ(armed, TT_OK);
  EXPECT_NE(deadline, 0u);
  ASSERT_THAT(server.logs, SizeIs(2)) << "one line per attempt";
  EXPECT_THAT(server.logs[0], HasSubstr("cannot accept for now: Too many open files"));

  server.advance(200ms);
  drive(
      {&server}, [&] { return server.accepted.size() == 1; }, "ACCEPTED");
}

TEST(Limits, AConnectWithoutADescriptorIsClosedWithTheReason) {
  DrivenTransport client({});
  Seen* conn = nullptr;
  {
    const DescriptorLimit limit;
    conn = client.connect("tcp://127.0.0.1:1").value;
  }
  drive(
      {&client}, [&] { return conn->closed == 1; }, "CLOSED");

  EXPECT_EQ(conn->status, TT_E_FAILED);
  EXPECT_THAT(conn->text, HasSubstr("Too many open files"));
}

class SilentListener : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    path = directory + "/socket";
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  std::string directory = "/tmp/trestle-test-XXXXXX";
  std::string path;
};

TEST_F(SilentListener, AFullBacklogIsRetriedUntilTheConnectTimeout) {
  const RawSocket listening = RawSocket::bound_to(path);
  ASSERT_EQ(::listen(listening.fd(), 0), 0);
  DrivenTransport client({.scheme = "unix"});
  Seen* first = client.connect("unix://" + path).value;
  Seen* second = client.connect("unix://" + path + "?connect_timeout=1s").value;
  Seen* third = client.connect("unix://" + path).value;
  drive(
      {&client}, [&] { return first->up == 1; }, "the first connection");
  EXPECT_EQ(second->up + second->closed, 0);

  client.advance(2s);
  drive(
      {&client}, [&] { return second->closed == 1; }, "CLOSED");
  EXPECT_EQ(second->status, TT_E_TIMEDOUT) << second->text;
  EXPECT_EQ(third->up + third->closed, 0);

  const RawSocket taken = listening.accept();
  drive(
      {&client}, [&] { return third->up == 1; }, "the retried connection");
}

TEST(Limits, EveryDescriptorClosesOnExec) {
  const auto before = open_descriptors();
  Linked tcp("tcp://127.0.0.1:0", {});
  Linked unix("unix://*", {.scheme = "unix"});

  std::size_t checked = 0;
  for (const int fd : open_descriptors()) {
    if (before.contains(fd)) continue;
    ++checked;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << "descriptor " << fd;
  }
  EXPECT_GE(checked, 10u) << "two listeners, four connections, four epoll sets";
}

TEST(Limits, NothingLeaksOverManyConnections) {
  const Opening opening{.scheme = "unix"};
  DrivenTransport server(opening);
  DrivenTransport client(opening);
  const std::string uri = server.uri(server.listen("unix://*").value);
  const auto before = open_descriptors();
  for (int i = 0; i < 100; ++i) {
    Seen* conn = client.connect(uri).value;
    drive(
        {&server, &client}, [&] { return conn->up == 1 && server.accepted.size() == 1; }, "up");
    client.close(*conn);
    drive(
        {&server, &client}, [&] { return conn->closed + server.accepted[0]->closed == 2; },
        "CLOSED");
    server.accepted.clear();
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace trestle::tcp::testing
