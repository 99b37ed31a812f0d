// kill -9 of a server at each stage of its life: who waits learns it, and its successor is served.
#include <stdlib.h>

#include <filesystem>

#include "fault_rig.hpp"

namespace trestle::faults {
namespace {

/// In all 200, which is the sum of what `kills_of` says for the transports, five stages each.
int kills_of(const std::string& uri) {
  return uri.starts_with("zmq") ? 8 : 16;
}

/// For socket files; gone with the test.
class OwnDirectory {
 public:
  OwnDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "trestle-faults-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~OwnDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

class Kill : public FaultRig, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    const std::string uri = GetParam();
    start_server(uri.starts_with("unix") ? "unix://" + directory_.path() + "/s" : uri);
    connect();
  }

  /// Kills the server as often as it is this transport's turn, each time after `begin` and before
  /// `end`, and starts it again.
  template <class Begin, class End>
  void kill_repeatedly(Begin begin, End end) {
    for (int kill = 0; kill < kills_of(GetParam()) && !HasFatalFailure(); ++kill) {
      begin();
      kill_server();
      end();
      // Either a new node, or the same one with its next incarnation.
      start_server(GetParam(), kill % 2 == 0 ? "-" : "7");
      expect_recovery();
    }
    EXPECT_EQ(tally.sent, tally.completed + tally.failed);
  }

  OwnDirectory directory_;

  /// Makes sure that what was sent before has arrived.
  void pass() {
    auto echo = call("echo");
    tally.expect_end(echo);
  }
};

INSTANTIATE_TEST_SUITE_P(Transports, Kill,
                         ::testing::Values("tcp://127.0.0.1:0", "unix", "zmq+tcp://127.0.0.1:0"),
                         [](const auto& kind) {
                           const std::string uri = kind.param;
                           return uri.substr(0, uri.find_first_of("+:"));
                         });

TEST_P(Kill, InTheHandshake) {
  Node other(client_options());
  std::future<void> ended;
  kill_repeatedly(
      [&] {
        auto promise = std::make_shared<std::promise<void>>();
        ended = promise->get_future();
        other.async_connect(uri_, {.timeout = 3s}, [promise](Result<Peer> result) {
          if (result.has_value()) result->disconnect();
          promise->set_value();
        });
      },
      [&] {
        EXPECT_EQ(ended.wait_for(2s + detection_max), std::future_status::ready)
            << "a connect waits in vain";
      });
}

TEST_P(Kill, WhileIdle) {
  kill_repeatedly([this] { pass(); }, [this] { expect_gone(); });
}

TEST_P(Kill, WithRequestsUnderWay) {
  std::vector<Outcome> hanging;
  kill_repeatedly(
      [&] {
        hanging.clear();
        for (int i = 0; i < 10; ++i) hanging.push_back(call("hang"));
        pass();
      },
      [&] {
        for (Outcome& outcome : hanging) {
          const int failed = tally.failed;
          tally.expect_end(outcome);
          EXPECT_EQ(tally.failed, failed + 1) << "nobody answered that";
        }
      });
}

TEST_P(Kill, WithRepliesUnderWay) {
  std::vector<Outcome> filling;
  kill_repeatedly(
      [&] {
        filling.clear();
        pass();
        for (int i = 0; i < 4; ++i) filling.push_back(fill(2 << 20));
      },
      [&] {
        for (Outcome& outcome : filling) tally.expect_end(outcome);
      });
}

TEST_P(Kill, WithLargePayloadsUnderWay) {
  const std::string large(16 << 20, 'x');
  std::vector<Outcome> echoing;
  kill_repeatedly(
      [&] {
        echoing.clear();
        pass();
        for (int i = 0; i < 2; ++i) echoing.push_back(call("echo", Payload::copy(large)));
      },
      [&] {
        for (Outcome& outcome : echoing) tally.expect_end(outcome);
      });
}

}  // namespace
}  // namespace trestle::faults
