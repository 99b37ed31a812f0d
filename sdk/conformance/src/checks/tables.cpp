// Tables that are shorter or longer than the plugin's own: hosts of another minor version.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>
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

/// The tables of the oldest minor version, whose hosts a plugin of today has to work with.
constexpr std::uint16_t oldest_minor = 9;
constexpr std::uint32_t oldest_host_bytes =
    offsetof(tt_host, extension) + sizeof(tt_host::extension);
constexpr std::uint32_t oldest_params_bytes =
    offsetof(tt_open_params, linger_ns) + sizeof(tt_open_params::linger_ns);

tt_open_params modest_params(const std::string& scheme) {
  tt_open_params params{};
  params.size = sizeof(params);
  params.scheme = scheme.c_str();
  params.rx_max_msg = 1 << 20;
  params.tx_hwm_bytes = 1 << 20;
  params.linger_ns = 1'000'000'000;
  return params;
}

/// Opens, listens if it can, and ends it all. `tables` is what the host's are, for the text.
void open_and_end(Bench& bench, const tt_host& host, const tt_open_params& params,
                  const std::string& tables) {
  tt_error error{};
  error.size = sizeof(error);
  tt_transport* transport = nullptr;
  tt_listener* listener = nullptr;
  const tt_ops& ops = *bench.plugin().ops;
  const auto expect_ok = [&](const char* call, tt_status status) {
    expect(status == TT_OK, call + (" with " + tables) + ": expected TT_OK, got " +
                                name_of_status(status) + ": " + error.text);
  };

  expect_ok("open", ops.open(&host, &params, &transport, &error));
  tt_attr attributes{};
  attributes.size = sizeof(attributes);
  expect_ok("query", ops.query(transport, &attributes));
  if ((attributes.caps & TT_CAP_LISTEN) != 0) {
    expect_ok("listen", ops.listen(transport, bench.subject().listen_uri.c_str(), nullptr,
                                   &listener, &error));
  }

  ops.shutdown(transport, 0);
  tt_event event{};
  // A library's threads may have to end first.
  const auto limit = std::chrono::steady_clock::now() + bench.subject().patience;
  while (event.kind != TT_EV_DOWN && std::chrono::steady_clock::now() < limit) {
    ops.progress(transport, &event, 1);
    std::this_thread::yield();
  }
  expect_equal("the last event after shutdown()", TT_EV_DOWN, int{event.kind});
  expect_status("destroy", TT_OK, ops.destroy(transport));
}

void longer_tables(Bench& bench) {
  TestHost host(ClockKind::real, bench.subject());
  Longer<tt_host> table{*host.table(), {}};
  table.known.size = sizeof(table);
  table.known.abi_minor = TT_ABI_MINOR + 1;
  Longer<tt_open_params> params{modest_params(bench.subject().scheme), {}};
  params.known.size = sizeof(params);

  open_and_end(bench, table.known, params.known,
               "tables of a later minor version, their new members zero");
}

/// The first `bytes` of a table, at the very end of readable memory.
class BeforeNothing {
 public:
  template <class Table>
  BeforeNothing(const Table& table, std::uint32_t bytes)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
        pages_(::mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0)) {
    expect(pages_ != MAP_FAILED, "mmap: the kit itself is out of memory");
    ::mprotect(static_cast<std::byte*>(pages_) + page_, page_, PROT_NONE);
    start_ = static_cast<std::byte*>(pages_) + page_ - bytes;
    std::memcpy(start_, &table, bytes);
    std::memcpy(start_, &bytes, sizeof(bytes));
  }
  ~BeforeNothing() { ::munmap(pages_, 2 * page_); }
  BeforeNothing(const BeforeNothing&) = delete;
  BeforeNothing& operator=(const BeforeNothing&) = delete;

  template <class Table>
  const Table& as() const {
    return *reinterpret_cast<const Table*>(start_);
  }

 private:
  const std::size_t page_;
  void* const pages_;
  std::byte* start_ = nullptr;
};

/// A host of the oldest minor version. Whoever reads a member that it does not have crashes.
void oldest_tables(Bench& bench) {
  TestHost host(ClockKind::real, bench.subject());
  tt_host table = *host.table();
  table.abi_minor = oldest_minor;
  const BeforeNothing oldest_host(table, oldest_host_bytes);
  const BeforeNothing oldest_params(modest_params(bench.subject().scheme), oldest_params_bytes);

  open_and_end(bench, oldest_host.as<tt_host>(), oldest_params.as<tt_open_params>(),
               "tables of the oldest minor version");
}

}  // namespace

std::span<const Check> table_checks() {
  static constexpr std::array checks = {
      Check{"ShortTablesAreNotOverrun", "Ownership", 0, short_tables},
      Check{"LongerTablesAreAccepted", "Versions", 0, longer_tables, {.traffic = Traffic::none}},
      Check{"TablesOfTheOldestHostAreEnough",
            "Versions",
            0,
            oldest_tables,
            {.traffic = Traffic::none}},
  };
  return checks;
}

}  // namespace trestle::conformance
