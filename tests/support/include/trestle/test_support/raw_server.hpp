// A listening peer without a node: it greets, takes notes, and dies whenever a test says so.
#pragma once

#include <trestle/ids.hpp>
#include <trestle/manual_driver.hpp>

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engine/transport.hpp"
#include "plugin_loading/plugin_registry.hpp"
#include "wire/packet.hpp"

namespace trestle::test_support {

/// Serves nodes of a test network over a transport that needs no kernel. Threads: one.
class RawServer final : private engine::ListenEvents {
 public:
  RawServer(ManualDriver& driver, const std::string& uri);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  /// As whom it greets from now on.
  void become(const InstanceId& instance, std::uint64_t incarnation) {
    instance_ = instance;
    incarnation_ = incarnation;
  }
  /// How many requests it takes at once, from whoever connects from now on; 0: any number.
  void set_window(std::uint32_t requests) { window_ = requests; }
  /// Whether it says hello to whoever connects.
  void stay_silent() { is_silent_ = true; }

  const std::string& uri() const noexcept { return uri_; }
  std::size_t accepted() const noexcept { return links_.size(); }
  bool is_latest_closed() const { return links_.back().closed; }

  /// Sends frames on the latest connection, then lets the network settle.
  template <class... Frames>
  void send(const Frames&... frames) {
    wire::Buffer packet;
    wire::begin_packet(packet);
    (wire::append(packet, frames), ...);
    send_bytes(packet);
  }
  /// Answers each ping on the latest connection that came since the last time.
  void answer_pings();
  /// Ends the latest connection as a killed process does.
  void cut();
  /// Ends it in good order.
  void hang_up();

  /// The payloads of all requests that came on any connection, in order, with the connection's
  /// number: "1:first 2:second".
  const std::string& requests() const noexcept { return requests_; }
  int pings() const noexcept { return pings_; }
  void settle();

 private:
  struct Link final : engine::LinkEvents {
    void on_connected() override {}
    void on_packet(const wire::PacketView& packet, engine::PacketSource& source) override;
    void on_sent(std::uint64_t, tt_status) override {}
    void on_writable() override {}
    void on_closed(tt_status, std::string_view) override { closed = true; }

    RawServer* server = nullptr;
    tt_conn* conn = nullptr;
    std::size_t number = 0;
    std::vector<std::uint64_t> cookies;
    bool closed = false;
  };

  engine::LinkEvents& on_accepted(engine::Transport& transport, tt_conn* conn) override;
  void send_bytes(BytesView packet);
  void close_latest(std::uint32_t flags);

  ManualDriver& driver_;
  plugin_loading::PluginRegistry plugins_;
  std::unique_ptr<engine::Transport> transport_;
  std::string uri_;
  std::list<Link> links_;
  InstanceId instance_ = InstanceId::from_halves(7, 7);
  std::uint64_t incarnation_ = 1;
  std::uint32_t window_ = 0;
  bool is_silent_ = false;
  std::string requests_;
  int pings_ = 0;
};

}  // namespace trestle::test_support
