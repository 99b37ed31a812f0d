// Who is not known by key never reaches a handler: nodes over zmq+curve://.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace trestle {
namespace {

using ::testing::HasSubstr;

/// Made for this test; they open nothing.
struct KeyPair {
  const char* open;
  const char* secret;
};
constexpr KeyPair server_keys{R"key(9v3o!/.]0P}K*mtM#Nv-X[<O?Ux3Kpekt@!K<m.Z)key",
                              R"key(oEiIsZmg6/.^qd)<VQCn^N]>A%lUE$9WD0}tl4}x)key"};
constexpr KeyPair friend_keys{R"key(-!)EOIO9Vy?iwH@qM&q>U)/C:>.u=WrIwx&6XLz])key",
                              R"key(.@i?E}huEiMDiJ1zi{1.b<Gwe=W-^%-s:TYBM$L2)key"};
constexpr KeyPair stranger_keys{R"key(ZptTtZ[>?mf}6hy}hXef:<WdmBC+JGKkGk:To9[W)key",
                                R"key(jnXy6]vx{NHzjl8jSq/QKIQ=JvRbCycb>)eQNi21)key"};

class Curve : public ::testing::Test {
 protected:
  Curve() {
    std::string name = std::filesystem::temp_directory_path() / "trestle-curve-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    write_keys("server", server_keys);
    write_keys("friend", friend_keys);
    write_keys("stranger", stranger_keys);
    server.add(ack("knock", [this] { ++knocks; })).value();
    server.add(unary("double", [](int value) { return 2 * value; })).value();
  }
  ~Curve() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name) const { return directory_ / name; }

  void write_keys(const std::string& name, const KeyPair& keys) const {
    namespace fs = std::filesystem;
    std::ofstream(file(name + ".key")) << keys.open << '\n';
    std::ofstream(file(name + ".secret")) << keys.secret << '\n';
    fs::permissions(file(name + ".secret"), fs::perms::owner_read | fs::perms::owner_write);
  }

  std::string listen_options() const {
    return "?curve_secretkey_file=" + file("server.secret") + "&curve_allow=" + file("friend.key");
  }
  std::string as(const std::string& who, const std::string& server_name = "server") const {
    return "?curve_secretkey_file=" + file(who + ".secret") +
           "&curve_serverkey_file=" + file(server_name + ".key");
  }
  std::string listen() {
    return server.listen("zmq+curve://127.0.0.1:0" + listen_options()).value();
  }

  /// Whoever is refused cannot call; then a friend can, and is the only one who did.
  void expect_refused(const std::string& uri, const std::string& friendly_uri) {
    const auto refused = client.connect(uri);
    EXPECT_TRUE(refused.has_error());
    if (refused.has_value()) static_cast<void>(refused->send("knock"));

    const Peer peer = client.connect(friendly_uri).value();
    ASSERT_TRUE(peer.confirm("knock").has_value());
    EXPECT_EQ(knocks, 1);
  }

  std::filesystem::path directory_;
  std::atomic<int> knocks = 0;
  Node server;
  Node client;
};

TEST_F(Curve, LetsAKnownClientIn) {
  const Peer peer = client.connect(listen() + as("friend")).value();

  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
}

TEST_F(Curve, KeepsOutAClientWithoutKeys) {
  const std::string uri = listen();

  expect_refused("zmq+tcp" + uri.substr(uri.find("://")), uri + as("friend"));
}

TEST_F(Curve, KeepsOutAClientThatIsNotOnTheList) {
  const std::string uri = listen();

  expect_refused(uri + as("stranger"), uri + as("friend"));
}

TEST_F(Curve, KeepsOutAClientThatExpectsAnotherServer) {
  const std::string uri = listen();

  expect_refused(uri + as("friend", "stranger"), uri + as("friend"));
}

TEST_F(Curve, SaysWhyAClientIsKeptOut) {
  const auto refused = client.connect(listen() + as("stranger"));

  EXPECT_THAT(refused.error().text, HasSubstr("does not let this client in"));
}

TEST_F(Curve, ListensBeyondTheHostWithoutBeingAskedTwice) {
  EXPECT_TRUE(server.listen("zmq+curve://*:0" + listen_options()).has_value());
}

TEST_F(Curve, ZmqWithoutCurveDoesNotListenBeyondTheHost) {
  EXPECT_TRUE(server.listen("zmq+tcp://*:0").error().is(Errc::insecure_listener));
  EXPECT_TRUE(server.listen("zmq+tcp://*:0" + listen_options() + "&curve_server=1")
                  .error()
                  .is(Errc::insecure_listener))
      << "other listeners of the scheme might have no keys";
}

TEST_F(Curve, RefusesASecretThatOthersMayRead) {
  std::filesystem::permissions(file("server.secret"), std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);

  const auto refused = server.listen("zmq+curve://127.0.0.1:0" + listen_options());

  EXPECT_THAT(refused.error().text, HasSubstr(file("server.secret")));
  EXPECT_THAT(refused.error().text, HasSubstr("chmod 600"));
}

TEST_F(Curve, RefusesToListenWithoutAListOfClients) {
  const auto refused =
      server.listen("zmq+curve://127.0.0.1:0?curve_secretkey_file=" + file("server.secret"));

  EXPECT_THAT(refused.error().text, HasSubstr("curve_allow"));
}

TEST_F(Curve, RefusesToConnectWithoutTheServersKey) {
  const auto refused =
      client.connect("zmq+curve://127.0.0.1:9?curve_secretkey_file=" + file("friend.secret"));

  EXPECT_THAT(refused.error().text, HasSubstr("curve_serverkey"));
}

TEST_F(Curve, WorksOverPlainSchemesToo) {
  const std::string uri =
      server.listen("zmq+ipc://*" + listen_options() + "&curve_server=1").value();

  EXPECT_EQ(client.connect(uri + as("friend")).value().call<int>("double", 2).value(), 4);
  EXPECT_TRUE(client.connect(uri + as("stranger")).has_error());
}

}  // namespace
}  // namespace trestle
