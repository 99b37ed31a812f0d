// The template carries a packet and goes down: what a first test of a new transport looks like.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <trestle/thin_transport.h>

#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

tt_host quiet_host() {
  tt_host host{};
  host.size = sizeof(host);
  host.abi_major = TT_ABI_MAJOR;
  host.abi_minor = TT_ABI_MINOR;
  host.wake = [](const tt_host*) {};
  host.now = [](const tt_host*) -> std::uint64_t { return 0; };
  host.log = [](const tt_host*, std::int32_t, const char* text) { ADD_FAILURE() << text; };
  host.alloc = [](const tt_host*, std::size_t size, std::size_t) { return std::malloc(size); };
  host.dealloc = [](const tt_host*, void* p, std::size_t, std::size_t) { std::free(p); };
  host.extension = [](const tt_host*, const char*) -> const void* { return nullptr; };
  return host;
}

class LoopbackTransport : public testing::Test {
 protected:
  void SetUp() override {
    void* const module = dlopen(TRESTLE_PLUGIN_UNDER_TEST, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    ASSERT_NE(module, nullptr) << dlerror();
    const auto* plugin = static_cast<const tt_plugin*>(dlsym(module, "tt_plugin_v1"));
    ASSERT_NE(plugin, nullptr);
    ops_ = plugin->ops;
    tt_open_params params{};
    params.size = sizeof(params);
    params.scheme = "template";
    params.rx_max_msg = 1000;
    params.tx_hwm_bytes = 1000;
    ASSERT_EQ(ops_->open(&host_, &params, &transport_, nullptr), TT_OK);
  }

  /// The next batch; there must be no more than fits.
  std::vector<tt_event> progress() {
    std::vector<tt_event> events(8);
    const std::int32_t count = ops_->progress(transport_, events.data(), 8);
    events.resize(static_cast<std::size_t>(count));
    return events;
  }

  const tt_host host_ = quiet_host();
  const tt_ops* ops_ = nullptr;
  tt_transport* transport_ = nullptr;
};

TEST_F(LoopbackTransport, CarriesAPacketAndGoesDown) {
  tt_listener* listener = nullptr;
  tt_conn* out = nullptr;
  constexpr std::string_view text = "hello";
  const tt_iov segment{text.data(), text.size()};

  ASSERT_EQ(ops_->listen(transport_, "template://here", nullptr, &listener, nullptr), TT_OK);
  ASSERT_EQ(ops_->connect(transport_, "template://here", nullptr, &out, nullptr), TT_OK);
  const auto up = progress();
  ASSERT_EQ(up.size(), 2u);
  EXPECT_EQ(up[0].kind, TT_EV_ACCEPTED);
  EXPECT_EQ(up[1].kind, TT_EV_CONNECTED);
  tt_conn* const in = up[0].conn;
  ASSERT_EQ(ops_->send(transport_, out, &segment, 1, 0, 1), TT_OK);
  const auto arrived = progress();
  ASSERT_EQ(arrived.size(), 1u);
  EXPECT_EQ(arrived[0].kind, TT_EV_PACKET);
  EXPECT_EQ(std::string_view(static_cast<const char*>(arrived[0].data), arrived[0].len), text);

  ops_->shutdown(transport_, 0);
  const auto end = progress();

  ASSERT_EQ(end.size(), 4u);  // UNLISTENED, CLOSED on both ends, DOWN
  EXPECT_EQ(end.back().kind, TT_EV_DOWN);
  EXPECT_EQ(ops_->destroy(transport_), TT_E_BUSY);
  ops_->conn_free(transport_, in);
  ops_->conn_free(transport_, out);
  EXPECT_EQ(ops_->destroy(transport_), TT_OK);
}

TEST_F(LoopbackTransport, RefusesWhereNobodyListens) {
  tt_conn* out = nullptr;

  ASSERT_EQ(ops_->connect(transport_, "template://nobody", nullptr, &out, nullptr), TT_OK);
  const auto events = progress();

  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, TT_EV_CLOSED);
  EXPECT_EQ(events[0].status, TT_E_REFUSED);
  ops_->conn_free(transport_, out);
  ops_->shutdown(transport_, 0);
  EXPECT_EQ(progress().back().kind, TT_EV_DOWN);
  EXPECT_EQ(ops_->destroy(transport_), TT_OK);
}

}  // namespace
