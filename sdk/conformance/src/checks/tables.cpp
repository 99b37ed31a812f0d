// Tables that are shorter or longer than the plugin's own: hosts of another minor version.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "../bench.hpp"
#include "../test_host.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

constexpr unsigned char untouched = 0xA5;

/// A table of `size` bytes as its maker knows it, followed by bytes that are not the plugin's.
template <class Table>
class Room {
 public:
  explicit Room(std::uint32_t size) : size_(size), bytes_(sizeof(Table) + 256, untouched) {
    std::fill_n(bytes_.begin(), size, static_cast<unsigned char>(0));
    std::memcpy(bytes_.data(), &size, sizeof(size));
  }
  Table* table() { return reinterpret_cast<Table*>(bytes_.data()); }
  bool is_overrun() const {
    return std::any_of(bytes_.begin() + size_, bytes_.end(),
                       [](unsigned char byte) { return byte != untouched; });
  }
  std::uint32_t said_size() const {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes_.data(), sizeof(size));
    return size;
  }

 private:
  const std::ptrdiff_t size_;
  std::vector<unsigned char> bytes_;
};

template <class Table>
void expect_kept(const Room<Table>& room, std::uint32_t size, const std::string& what) {
  const std::string filled = what + " of " + std::to_string(size) + " bytes";
  expect(!room.is_overrun(), filled + ": expected writes within it, got writes beyond its end");
  expect_equal("size of " + filled + " after the call", size, room.said_size());
}

void short_tables(Bench& bench) {
  Driver& driver = bench.open();
  for (const std::size_t size : {offsetof(tt_attr, caps), offsetof(tt_attr, max_msg),
                                 offsetof(tt_attr, rx_hold_max), sizeof(tt_attr) + 64}) {
    Room<tt_attr> attr(static_cast<std::uint32_t>(size));
    driver.query_into(*attr.table());
    expect_kept(attr, static_cast<std::uint32_t>(size), "a tt_attr");
  }
  for (const std::size_t size : {offsetof(tt_error, os_errno), offsetof(tt_error, text),
                                 offsetof(tt_error, text) + 9, sizeof(tt_error) + 64}) {
    Room<tt_error> error(static_cast<std::uint32_t>(size));
    driver.connect_badly(error.table());
    expect_kept(error, static_cast<std::uint32_t>(size), "a tt_error");
    if (size == offsetof(tt_error, text) + 9) {
      const char* const text = error.table()->text;
      expect(std::find(text, text + 9, '\0') != text + 9,
             "the text of a short tt_error: expected a terminating zero within it, got none");
    }
  }
}

/// Members of a later minor version, all zero: "as before".
template <class Table>
struct Longer {
  Table known{};
  std::array<std::uint64_t, 16> later{};
};

void longer_tables(Bench& bench) {
  TestHost host(ClockKind::real);
  Longer<tt_host> table{*host.table(), {}};
  table.known.size = sizeof(table);
  table.known.abi_minor = TT_ABI_MINOR + 1;
  Longer<tt_open_params> params{};
  params.known.size = sizeof(params);
  params.known.scheme = bench.subject().scheme.c_str();
  params.known.rx_max_msg = 1 << 20;
  params.known.tx_hwm_bytes = 1 << 20;
  params.known.linger_ns = 1'000'000'000;
  tt_error error{};
  error.size = sizeof(error);
  tt_transport* transport = nullptr;
  const tt_ops& ops = *bench.plugin().ops;

  const tt_status status = ops.open(&table.known, &params.known, &transport, &error);

  expect(status == TT_OK,
         "open with tables of a later minor version, their new members zero: "
         "expected TT_OK, got " +
             name_of_status(status) + ": " + error.text);
  ops.shutdown(transport, 0);
  tt_event event{};
  for (int i = 0; i < 1000 && event.kind != TT_EV_DOWN; ++i) ops.progress(transport, &event, 1);
  expect_equal("the last event after shutdown()", TT_EV_DOWN, int{event.kind});
  expect_status("destroy", TT_OK, ops.destroy(transport));
}

constexpr std::array checks = {
    Check{"ShortTablesAreNotOverrun", "Ownership", 0, short_tables},
    Check{"LongerTablesAreAccepted", "Versions", 0, longer_tables, {.traffic = Traffic::none}},
};

}  // namespace

std::span<const Check> table_checks() {
  return checks;
}

}  // namespace trestle::conformance
