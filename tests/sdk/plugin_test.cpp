// The adapter from classes to C tables: nothing escapes, no table is overrun.
#include <trestle/sdk/plugin.hpp>

#include <gmock/gmock.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace trestle::sdk {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

/// A zeroed table that says its own size.
template <class Table>
Table sized() {
  Table table{};
  table.size = sizeof(Table);
  return table;
}

/// Collects what a plugin logs.
class LoggingHost {
 public:
  LoggingHost() {
    table_.ctx = this;
    table_.log = [](const tt_host* host, std::int32_t level, const char* text) {
      EXPECT_EQ(level, TT_LOG_ERROR);
      static_cast<LoggingHost*>(host->ctx)->lines.emplace_back(text);
    };
  }

  const tt_host* table() const noexcept { return &table_; }

  std::vector<std::string> lines;

 private:
  tt_host table_ = sized<tt_host>();
};

[[noreturn]] void fail() {
  throw std::runtime_error("out of ideas");
}

/// Opens, unless asked for "throws"; from then on every call throws.
struct Thrower {
  struct Connection {};
  struct Listener {};

  static Result<std::unique_ptr<Thrower>> open(Host, const OpenOptions& options) {
    if (options.scheme == "throws") fail();
    return std::make_unique<Thrower>();
  }
  tt_attr attributes() { fail(); }
  void shutdown() { fail(); }
  bool can_destroy() {
    if (!std::exchange(asked_before, true)) fail();
    return true;
  }
  Result<Listener*> listen(std::string_view, void*) { throw 42; }  // no std::exception
  std::string listener_uri(Listener&) { fail(); }
  void unlisten(Listener&) { fail(); }
  Result<Connection*> connect(std::string_view, void*) { fail(); }
  void set_user(Connection&, void*) { fail(); }
  ConnectionInfo describe(Connection&) { fail(); }
  void close(Connection&, CloseMode) { fail(); }
  void free(Connection&) { fail(); }
  tt_status send(Connection&, std::span<const tt_iov>, std::uint32_t, std::uint64_t) { fail(); }
  std::int32_t progress(std::span<tt_event>) { fail(); }
  Arming arm() { fail(); }
  tt_status flush() { fail(); }
  void release(tt_rx&) { fail(); }
  void pause(Connection&, Reading) { fail(); }
  const void* extension(const char*) { fail(); }

  bool asked_before = false;
};

/// Only what is mandatory, with answers that tests can recognise.
struct Minimal {
  struct Connection {};
  struct Listener {};

  static Result<std::unique_ptr<Minimal>> open(Host, const OpenOptions& options) {
    if (!options.threads_allowed) {
      return Error{TT_E_UNSUPPORTED, std::string(400, 'x'), 11, 22};
    }
    return std::make_unique<Minimal>();
  }
  tt_attr attributes() const {
    tt_attr attr{};
    attr.size = sizeof(attr);
    attr.thread_level = TT_THREAD_MULTI;
    attr.caps = TT_CAP_LISTEN;
    attr.wait_fd = -1;
    attr.max_iov = 8;
    return attr;
  }
  void shutdown() {}
  bool can_destroy() const { return true; }
  Result<Listener*> listen(std::string_view, void*) { return &listener; }
  std::string listener_uri(Listener&) const { return "min://a"; }
  void unlisten(Listener&) {}
  Result<Connection*> connect(std::string_view uri, void*) {
    return Error{TT_E_ADDR, "cannot parse " + std::string(uri)};
  }
  void set_user(Connection&, void*) {}
  ConnectionInfo describe(Connection&) const {
    return {.local_uri = std::string(300, 'l'), .peer_uri = "min://peer", .peer_pid = 7};
  }
  void close(Connection&, CloseMode) {}
  void free(Connection&) {}
  tt_status send(Connection&, std::span<const tt_iov>, std::uint32_t, std::uint64_t) {
    return TT_OK;
  }
  std::int32_t progress(std::span<tt_event>) { return 0; }
  Arming arm() { return {.may_sleep = true, .deadline = std::chrono::nanoseconds(99)}; }

  Listener listener;
};

/// An open transport of class `T`, by way of the C table.
template <class T>
class Opened {
 public:
  Opened() {
    auto params = sized<tt_open_params>();
    params.scheme = "fake";
    EXPECT_EQ(ops().open(host.table(), &params, &transport, nullptr), TT_OK);
  }
  ~Opened() {
    // Twice for the class that throws when it is first asked.
    if (ops().destroy(transport) != TT_OK) ops().destroy(transport);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  static const tt_ops& ops() { return plugin_ops<T>; }

  LoggingHost host;
  tt_transport* transport = nullptr;
};

/// A pointer for the opaque parameters of a call that must not look at them.
template <class Opaque>
Opaque* anything() {
  static std::max_align_t storage;
  return reinterpret_cast<Opaque*>(&storage);
}

/// Bytes that a short table may fill, and the rest, which it must leave alone.
template <class Table>
class ShortTable {
 public:
  explicit ShortTable(std::uint32_t size) : size_(size) {
    bytes_.fill('#');
    std::memcpy(bytes_.data(), &size, sizeof(size));
  }
  Table* get() { return reinterpret_cast<Table*>(bytes_.data()); }
  const char* at(std::size_t offset) const { return bytes_.data() + offset; }
  std::string rest() const { return {bytes_.begin() + size_, bytes_.end()}; }

 private:
  std::uint32_t size_;
  alignas(Table) std::array<char, sizeof(Table) + 16> bytes_{};
};

TEST(PluginSlots, TurnExceptionsOfEveryStatusCallIntoFailedAndALogLine) {
  Opened<Thrower> opened;
  const tt_ops& ops = opened.ops();
  tt_transport* const t = opened.transport;
  auto* const conn = anything<tt_conn>();
  auto* const listener = anything<tt_listener>();
  auto attr = sized<tt_attr>();
  auto info = sized<tt_conn_info>();
  tt_conn* made = nullptr;
  tt_listener* bound = nullptr;
  std::uint64_t deadline = 0;
  char uri[8];
  std::size_t uri_bytes = sizeof(uri);
  tt_event event{};

  const std::vector<tt_status> statuses = {
      ops.query(t, &attr),
      ops.destroy(t),
      ops.listen(t, "fake://a", nullptr, &bound, nullptr),
      ops.listener_uri(t, listener, uri, &uri_bytes),
      ops.connect(t, "fake://a", nullptr, &made, nullptr),
      ops.conn_info(t, conn, &info),
      ops.send(t, conn, nullptr, 0, 0, 0),
      ops.flush(t),
      ops.progress(t, &event, 1),
      ops.arm(t, &deadline),
  };

  EXPECT_THAT(statuses, Each(TT_E_FAILED));
  EXPECT_THAT(
      opened.host.lines,
      ElementsAre("query threw: out of ideas", "destroy threw: out of ideas",
                  "listen threw: an exception of unknown type", "listener_uri threw: out of ideas",
                  "connect threw: out of ideas", "conn_info threw: out of ideas",
                  "send threw: out of ideas", "flush threw: out of ideas",
                  "progress threw: out of ideas", "arm threw: out of ideas"));
}

TEST(PluginSlots, TurnExceptionsOfEveryVoidCallIntoALogLine) {
  Opened<Thrower> opened;
  const tt_ops& ops = opened.ops();
  tt_transport* const t = opened.transport;
  auto* const conn = anything<tt_conn>();

  ops.shutdown(t, 0);
  ops.unlisten(t, anything<tt_listener>());
  ops.conn_set_user(t, conn, nullptr);
  ops.conn_close(t, conn, 0);
  ops.conn_free(t, conn);
  ops.rx_release(t, anything<tt_rx>());
  ops.conn_pause(t, conn, 1);
  EXPECT_EQ(ops.extension(t, "any/0"), nullptr);

  EXPECT_THAT(opened.host.lines,
              ElementsAre("shutdown threw: out of ideas", "unlisten threw: out of ideas",
                          "conn_set_user threw: out of ideas", "conn_close threw: out of ideas",
                          "conn_free threw: out of ideas", "rx_release threw: out of ideas",
                          "conn_pause threw: out of ideas", "extension threw: out of ideas"));
}

TEST(PluginSlots, TellTheHostWhatAColdCallThrew) {
  LoggingHost host;
  auto params = sized<tt_open_params>();
  params.scheme = "throws";
  tt_transport* transport = nullptr;
  auto error = sized<tt_error>();

  EXPECT_EQ(plugin_ops<Thrower>.open(host.table(), &params, &transport, &error), TT_E_FAILED);

  EXPECT_EQ(error.code, TT_E_FAILED);
  EXPECT_STREQ(error.text, "open threw: out of ideas");
  EXPECT_THAT(host.lines, ElementsAre("open threw: out of ideas"));
}

TEST(PluginSlots, HandOutTheErrorOfAColdCall) {
  Opened<Minimal> opened;
  tt_conn* made = nullptr;
  auto error = sized<tt_error>();

  EXPECT_EQ(opened.ops().connect(opened.transport, "min:?", nullptr, &made, &error), TT_E_ADDR);

  EXPECT_EQ(error.code, TT_E_ADDR);
  EXPECT_STREQ(error.text, "cannot parse min:?");
  EXPECT_EQ(opened.ops().connect(opened.transport, "min:?", nullptr, &made, nullptr), TT_E_ADDR);
}

TEST(PluginSlots, CutALongErrorTextWithItsTerminator) {
  LoggingHost host;
  auto params = sized<tt_open_params>();
  params.flags = TT_OPEN_NO_THREADS;
  params.scheme = "fake";
  tt_transport* transport = nullptr;
  auto error = sized<tt_error>();

  EXPECT_EQ(plugin_ops<Minimal>.open(host.table(), &params, &transport, &error), TT_E_UNSUPPORTED);

  EXPECT_EQ(error.os_errno, 11);
  EXPECT_EQ(error.native, 22);
  EXPECT_EQ(std::string(error.text), std::string(sizeof(error.text) - 1, 'x'));
}

TEST(PluginSlots, DoNotOverrunAShortErrorTable) {
  LoggingHost host;
  auto params = sized<tt_open_params>();
  params.flags = TT_OPEN_NO_THREADS;
  params.scheme = "fake";
  tt_transport* transport = nullptr;
  constexpr std::uint32_t size = offsetof(tt_error, text) + 8;
  ShortTable<tt_error> error(size);

  EXPECT_EQ(plugin_ops<Minimal>.open(host.table(), &params, &transport, error.get()),
            TT_E_UNSUPPORTED);

  EXPECT_STREQ(error.at(offsetof(tt_error, text)), "xxxxxxx");
  EXPECT_THAT(error.rest(), Each('#'));
}

TEST(PluginSlots, DoNotOverrunAShortAttributeTable) {
  Opened<Minimal> opened;
  constexpr std::uint32_t size = offsetof(tt_attr, wait_fd);
  ShortTable<tt_attr> attr(size);

  EXPECT_EQ(opened.ops().query(opened.transport, attr.get()), TT_OK);

  EXPECT_EQ(attr.get()->size, size) << "what the host said stays";
  EXPECT_EQ(attr.get()->caps, TT_CAP_LISTEN);
  EXPECT_THAT(attr.rest(), Each('#'));
}

TEST(PluginSlots, DoNotOverrunAShortConnectionTable) {
  Opened<Minimal> opened;
  constexpr std::uint32_t size = offsetof(tt_conn_info, peer_pid);
  ShortTable<tt_conn_info> info(size);

  EXPECT_EQ(opened.ops().conn_info(opened.transport, anything<tt_conn>(), info.get()), TT_OK);

  EXPECT_EQ(info.get()->local_uri, std::string(255, 'l')) << "cut with its terminator";
  EXPECT_STREQ(info.get()->peer_uri, "min://peer");
  EXPECT_THAT(info.rest(), Each('#'));
}

TEST(PluginSlots, SayHowLongAListenerUriIs) {
  Opened<Minimal> opened;
  const std::string uri = "min://a";
  std::array<char, 8> room{};
  auto* const listener = anything<tt_listener>();

  std::size_t bytes = uri.size();
  room.fill('#');
  EXPECT_EQ(opened.ops().listener_uri(opened.transport, listener, room.data(), &bytes),
            TT_E_TOOBIG);
  EXPECT_EQ(bytes, uri.size() + 1) << "with the terminator";
  EXPECT_THAT(room, Each('#'));

  EXPECT_EQ(opened.ops().listener_uri(opened.transport, listener, room.data(), &bytes), TT_OK);
  EXPECT_EQ(bytes, uri.size() + 1);
  EXPECT_STREQ(room.data(), uri.c_str());
}

TEST(PluginSlots, SayHowLongTheHostMaySleep) {
  Opened<Minimal> opened;
  std::uint64_t deadline = 0;

  EXPECT_EQ(opened.ops().arm(opened.transport, &deadline), TT_OK);

  EXPECT_EQ(deadline, 99u);
}

TEST(PluginSlots, AreNullWhereTheClassHasNoSuchCall) {
  const tt_ops& minimal = plugin_ops<Minimal>;

  EXPECT_EQ(minimal.flush, nullptr);
  EXPECT_EQ(minimal.rx_release, nullptr);
  EXPECT_EQ(minimal.conn_pause, nullptr);
  EXPECT_EQ(minimal.extension, nullptr);
}

TEST(DescribePlugin, SaysWhatTheHostChecks) {
  static constexpr tt_scheme schemes[] = {{"min", TT_REACH_PROCESS, 0}, {"mini", TT_REACH_HOST, 0}};

  constexpr tt_plugin plugin = describe_plugin<Minimal>({"min", "1.0", "tests"}, schemes);

  EXPECT_EQ(plugin.magic, TT_MAGIC);
  EXPECT_EQ(plugin.layout, TT_LAYOUT);
  EXPECT_EQ(plugin.size, sizeof(tt_plugin));
  EXPECT_EQ(plugin.nschemes, 2u);
  EXPECT_EQ(plugin.ops, &plugin_ops<Minimal>);
}

}  // namespace
}  // namespace trestle::sdk
