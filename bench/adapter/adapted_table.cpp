// The same as a class, which the adapter makes a table of.
#include <trestle/sdk/plugin.hpp>

#include "tables.h"

namespace {

namespace sdk = trestle::sdk;

class NextToNothing {
 public:
  struct Connection {};
  struct Listener {};

  static sdk::Result<std::unique_ptr<NextToNothing>> open(sdk::Host, const sdk::OpenOptions&) {
    return std::make_unique<NextToNothing>();
  }

  tt_status send(Connection&, std::span<const tt_iov> segments, std::uint32_t, std::uint64_t) {
    if (segments.size() > 16) return TT_E_INVALID;
    for (const tt_iov& segment : segments) bytes_ += segment.len;
    ++waiting_;
    return TT_OK;
  }

  std::int32_t progress(std::span<tt_event> events) {
    std::size_t count = 0;
    for (; count < events.size() && waiting_ > 0; ++count) {
      --waiting_;
      tt_event event{};
      event.kind = TT_EV_PACKET;
      event.len = bytes_;
      events[count] = event;
    }
    return static_cast<std::int32_t>(count);
  }

  sdk::Arming arm() { return {.may_sleep = waiting_ == 0, .deadline = std::nullopt}; }

  tt_attr attributes() const { return {}; }
  void shutdown() {}
  bool can_destroy() const { return true; }
  sdk::Result<Listener*> listen(std::string_view, void*) { return sdk::Error(); }
  std::string listener_uri(const Listener&) const { return ""; }
  void unlisten(Listener&) {}
  sdk::Result<Connection*> connect(std::string_view, void*) { return sdk::Error(); }
  void set_user(Connection&, void*) {}
  sdk::ConnectionInfo describe(const Connection&) const { return {}; }
  void close(Connection&, sdk::CloseMode) {}
  void free(Connection&) {}

 private:
  std::uint64_t bytes_ = 0;
  std::uint64_t waiting_ = 0;
};

}  // namespace

const tt_ops* const bench_adapted_table = &sdk::plugin_ops<NextToNothing>;
