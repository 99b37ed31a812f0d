// tt.bulk: memory that the other side reads and writes by itself, and what must be refused.
#include <sys/mman.h>
#include <trestle/ext/bulk.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

constexpr std::byte canary{0xC5};

/// Whole pages between two that nobody may touch, filled with canaries.
class GuardedPages {
 public:
  explicit GuardedPages(std::size_t pages)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))), bytes_(pages * page_) {
    void* const mapped =
        ::mmap(nullptr, bytes_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) fail("no memory for a region");
    start_ = static_cast<std::byte*>(mapped) + page_;
    ::mprotect(start_, bytes_, PROT_READ | PROT_WRITE);
    std::ranges::fill(all(), canary);
  }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  ~GuardedPages() { ::munmap(start_ - page_, bytes_ + 2 * page_); }

  std::span<std::byte> all() const { return {start_, bytes_}; }
  /// Neither the first nor the last page.
  std::span<std::byte> middle() const { return all().subspan(page_, bytes_ - 2 * page_); }
  bool is_untouched() const {
    return std::ranges::all_of(all(), [](std::byte byte) { return byte == canary; });
  }
  bool has_canaries_around() const {
    const auto is_canary = [](std::byte byte) { return byte == canary; };
    return std::ranges::all_of(all().first(page_), is_canary) &&
           std::ranges::all_of(all().last(page_), is_canary);
  }

 private:
  const std::size_t page_;
  const std::size_t bytes_;
  std::byte* start_ = nullptr;
};

/// What one side offers; the driver's own.
struct Offer {
  tt_bulk_range range{};
  tt_bulk_region* region = nullptr;
};

/// Two transports with a connection that has tt.bulk: `out` accesses what `in` offers.
class BulkPair {
 public:
  explicit BulkPair(Bench& bench) : bench_(bench), pair_(connect_pair(bench)) {
    table_ = static_cast<const tt_bulk*>(pair_.server.extension(TT_BULK_ID));
    if (table_ == nullptr) throw Skipped{"the transport has no " TT_BULK_ID};
    tt_bulk_limits limits{};
    limits.size = sizeof(limits);
    const auto ask = [&](Driver& driver, Connection& conn) {
      return driver.with_bulk(conn, [&](tt_transport* transport, tt_conn* handle) {
        return table_->limits(transport, handle, &limits);
      });
    };
    const tt_status status = ask(pair_.client, pair_.out);
    expect_status("limits() at the other end", status, ask(pair_.server, pair_.in));
    if (status == TT_E_UNSUPPORTED) throw Skipped{"such connections have no " TT_BULK_ID};
    expect_status("limits()", TT_OK, status);
    expect(limits.operations_max >= 1 && limits.bytes_max >= 1, "limits(): expected at least 1");
    operations_max = limits.operations_max;
  }

  Offer offer(std::span<std::byte> bytes, std::uint32_t access) {
    Offer offer;
    tt_error error{};
    error.size = sizeof(error);
    const tt_status status = pair_.server.with_bulk(pair_.in, [&](tt_transport* t, tt_conn* c) {
      return table_->offer(t, c, bytes.data(), bytes.size(), access, &offer.range, &offer.region,
                           &error);
    });
    expect_status(std::string("offer: ") + error.text, TT_OK, status);
    return offer;
  }
  void withdraw(const Offer& offer) {
    pair_.server.with_bulk(pair_.in, [&](tt_transport* t, tt_conn* c) {
      return table_->withdraw(t, c, offer.region), 0;
    });
  }
  SendResult get(const tt_bulk_range& range) {
    return pair_.client.start_bulk(pair_.out, [&](tt_transport* t, tt_conn* c, std::uint64_t op) {
      return table_->get(t, c, &range, op);
    });
  }
  SendResult put(std::span<const std::byte> bytes, const tt_bulk_range& range) {
    return pair_.client.start_bulk(pair_.out, [&](tt_transport* t, tt_conn* c, std::uint64_t op) {
      return table_->put(t, c, bytes.data(), bytes.size(), &range, op);
    });
  }

  /// Empty: the plugin has none.
  std::optional<SendResult> retire(const Offer& offer) {
    if (!TT_HAS(tt_bulk, table_, retire)) return std::nullopt;
    return pair_.server.start_bulk(pair_.in, [&](tt_transport* t, tt_conn* c, std::uint64_t op) {
      return table_->retire(t, c, offer.region, op);
    });
  }

  /// Drives until the operation has ended.
  const BulkResult& await(const SendResult& begun) {
    expect_status("get or put", TT_PENDING, begun.status);
    bench_.pump_until([&] { return out().bulk_ended.contains(begun.op); }, "BULK");
    return out().bulk_ended.at(begun.op);
  }
  /// The same, for one that must not succeed: an error, whether or not the connection ends for it.
  void await_refusal(const std::string& what, const SendResult& begun) {
    if (begun.status < 0) return;
    const BulkResult& result = await(begun);
    expect(result.status < 0, what + ": expected an error, got " + name_of_status(result.status));
    expect(result.bytes.empty(), what + ": expected no bytes, got some");
  }

  Connection& out() { return pair_.out; }
  const Pair& pair() const { return pair_; }

  std::uint32_t operations_max = 0;

 private:
  Bench& bench_;
  const Pair pair_;
  const tt_bulk* table_ = nullptr;
};

tt_bulk_range part(const tt_bulk_range& range, std::uint64_t offset, std::uint64_t bytes) {
  return {.key = range.key, .address = range.address + offset, .bytes = bytes};
}

void gets_what_was_offered(Bench& bench) {
  BulkPair pair(bench);
  for (const std::size_t size : {std::size_t{1}, std::size_t{4095}, std::size_t{3 << 20}}) {
    auto bytes = make_pattern(size, size);
    const Offer offer = pair.offer(bytes, TT_BULK_READ);

    const BulkResult whole = pair.await(pair.get(offer.range));
    const BulkResult end = pair.await(pair.get(part(offer.range, size - size / 2 - 1, 1)));

    expect_status("get of " + std::to_string(size) + " bytes", TT_OK, whole.status);
    expect(whole.bytes == bytes, "get: expected the bytes that were offered, got others");
    expect(end.bytes.size() == 1 && end.bytes[0] == bytes[size - size / 2 - 1],
           "get of a part: expected its byte, got another");
    pair.withdraw(offer);
  }
}

void puts_into_what_was_offered(Bench& bench) {
  BulkPair pair(bench);
  const GuardedPages pages(66);
  const Offer offer = pair.offer(pages.middle(), TT_BULK_WRITE);
  const auto bytes = make_pattern(1, pages.middle().size());

  const BulkResult result = pair.await(pair.put(bytes, offer.range));
  expect_status("put", TT_OK, result.status);
  const auto packet = make_pattern(2, 10);
  send_or_wait(bench, pair.pair().client, pair.out(), packet, TT_SEND_COPY);
  expect_packet(bench, pair.pair().in, 2, 10);

  expect(std::ranges::equal(pages.middle(), bytes),
         "a packet sent after BULK: expected the bytes to have arrived before it, got others");
  expect(pages.has_canaries_around(), "put: expected nothing beyond its range, got bytes there");
}

void many_at_once(Bench& bench) {
  BulkPair pair(bench);
  auto bytes = make_pattern(5, 64 * 1024);
  const Offer offer = pair.offer(bytes, TT_BULK_READ);
  std::vector<SendResult> begun;
  for (std::uint32_t i = 0; i < pair.operations_max; ++i) begun.push_back(pair.get(offer.range));

  const SendResult beyond = pair.get(offer.range);

  expect_status("get beyond operations_max", TT_E_AGAIN, beyond.status);
  for (const SendResult& one : begun) {
    expect(pair.await(one).bytes == bytes, "one of many gets: expected the bytes, got others");
  }
  expect(pair.await(pair.get(offer.range)).bytes == bytes, "get after that: got other bytes");
}

/// What may not be accessed, and what is asked for.
struct Trespass {
  const char* what;
  tt_bulk_range (*range)(const tt_bulk_range&);
  bool is_withdrawn = false;
};

constexpr std::array trespasses = {
    Trespass{"an unknown key",
             [](const tt_bulk_range& r) {
               return tt_bulk_range{r.key ^ 0x5555'5555, r.address, r.bytes};
             }},
    Trespass{"a key that was withdrawn", [](const tt_bulk_range& r) { return r; }, true},
    Trespass{"one byte beyond the region",
             [](const tt_bulk_range& r) { return part(r, 1, r.bytes); }},
    Trespass{"bytes in front of the region",
             [](const tt_bulk_range& r) { return part(r, std::uint64_t{0} - 4096, 4096); }},
    Trespass{"a range that wraps around",
             [](const tt_bulk_range& r) {
               return tt_bulk_range{r.key, ~std::uint64_t{0} - 100, 4096};
             }},
};

/// Each on a connection of its own, which may not survive it.
void refuses_to_be_written(Bench& bench) {
  for (const Trespass& trespass : trespasses) {
    BulkPair pair(bench);
    const GuardedPages pages(4);
    const Offer offer = pair.offer(pages.middle(), TT_BULK_READ | TT_BULK_WRITE);
    if (trespass.is_withdrawn) pair.withdraw(offer);
    const tt_bulk_range range = trespass.range(offer.range);
    const auto bytes = make_pattern(1, static_cast<std::size_t>(range.bytes));

    // A put may be over before the other side has looked at it.
    pair.put(bytes, range);
    bench.pump_until_quiet({&pair.pair().server, &pair.pair().client});

    expect(pages.is_untouched(),
           std::string("put to ") + trespass.what + ": expected no byte to change, got changes");
  }
}

void refuses_to_be_read(Bench& bench) {
  for (const Trespass& trespass : trespasses) {
    BulkPair pair(bench);
    const GuardedPages pages(4);
    const Offer offer = pair.offer(pages.middle(), TT_BULK_READ | TT_BULK_WRITE);
    if (trespass.is_withdrawn) pair.withdraw(offer);

    pair.await_refusal(std::string("get of ") + trespass.what,
                       pair.get(trespass.range(offer.range)));
  }
}

void refuses_what_was_not_offered(Bench& bench) {
  {
    BulkPair pair(bench);
    const GuardedPages pages(4);
    const Offer offer = pair.offer(pages.middle(), TT_BULK_WRITE);
    pair.await_refusal("get of a region that may be written", pair.get(offer.range));
  }
  BulkPair pair(bench);
  const GuardedPages pages(4);
  const Offer offer = pair.offer(pages.middle(), TT_BULK_READ);
  const auto bytes = make_pattern(1, pages.middle().size());
  pair.put(bytes, offer.range);
  bench.pump_until_quiet({&pair.pair().server, &pair.pair().client});
  expect(pages.is_untouched(),
         "put to a region that may be read: expected no byte to change, got "
         "changes");
}

/// The other side claims to have read, and has not: what is read later must be what was offered.
void retires_what_is_being_read(Bench& bench) {
  BulkPair pair(bench);
  const auto offered = make_pattern(7, 8 << 20);
  auto bytes = offered;
  const Offer offer = pair.offer(bytes, TT_BULK_READ);
  const SendResult begun = pair.get(offer.range);
  pair.pair().client.progress();
  pair.pair().server.progress();

  const auto retired = pair.retire(offer);
  if (!retired) throw Skipped{"its tt.bulk has no retire()"};
  if (retired->status != TT_OK) {
    expect_status("retire", TT_PENDING, retired->status);
    const Connection& in = pair.pair().in;
    bench.pump_until([&] { return in.bulk_ended.contains(retired->op) || in.closed; }, "BULK");
    expect(in.bulk_ended.contains(retired->op), "retire: expected BULK before CLOSED, got none");
  }
  std::ranges::fill(bytes, canary);  // it is the host's again

  const BulkResult& result = pair.await(begun);
  expect(result.status < 0 || result.bytes == offered,
         "a get of a region that was retired: expected the bytes that were offered, or an error; "
         "got others");
}

/// Whoever ends the connection: each operation ends before CLOSED, which the driver watches.
void ends_with_its_connection(Bench& bench) {
  for (const bool offering_side_ends : {false, true}) {
    BulkPair pair(bench);
    auto bytes = make_pattern(3, 8 << 20);
    const Offer offer = pair.offer(bytes, TT_BULK_READ);
    std::vector<SendResult> begun;
    for (int i = 0; i < 4; ++i) begun.push_back(pair.get(offer.range));
    pair.pair().server.progress();

    if (offering_side_ends) {
      pair.pair().server.close(pair.pair().in, TT_CLOSE_ABORT);
    } else {
      pair.pair().client.close(pair.pair().out, TT_CLOSE_ABORT);
    }
    bench.pump_until([&] { return pair.pair().in.closed && pair.pair().out.closed; },
                     "CLOSED on both sides");
    std::ranges::fill(bytes, canary);  // it is the host's again, and may go

    for (const SendResult& one : begun) {
      expect(one.status < 0 || pair.out().bulk_ended.contains(one.op),
             "a get under way: expected BULK before CLOSED, got none");
    }
  }
}

constexpr Needs provokes{.warnings = Warnings::provoked};
}  // namespace

std::span<const Check> bulk_checks() {
  static constexpr std::array checks = {
      Check{"AGetBringsWhatWasOffered", "Bulk", 0, gets_what_was_offered},
      Check{"APutStaysInItsRange", "Bulk", 0, puts_into_what_was_offered},
      Check{"ManyGetsAreUnderWayAtOnce", "Bulk", 0, many_at_once},
      Check{"ForeignMemoryIsNotWritten", "Bulk", 0, refuses_to_be_written, provokes},
      Check{"ForeignMemoryIsNotRead", "Bulk", 0, refuses_to_be_read, provokes},
      Check{"AnAccessThatWasNotOfferedIsRefused", "Bulk", 0, refuses_what_was_not_offered,
            provokes},
      Check{"RetiredMemoryIsNotReadAfterItsEvent", "Bulk", 0, retires_what_is_being_read, provokes},
      Check{"GetsEndWithTheirConnection", "Bulk", 0, ends_with_its_connection},
  };
  return checks;
}

}  // namespace trestle::conformance
