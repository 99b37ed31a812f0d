// The extension tt.bulk of the fake transport: what connections lend and read, as a test sees it.
#pragma once

#include <trestle/ext/bulk.h>

#include <deque>
#include <vector>

namespace trestle::fakes {

/// Of one connection.
struct FakeBulk {
  struct Offer {
    const void* bytes = nullptr;
    std::size_t size = 0;
    bool is_withdrawn = false;
  };
  struct Get {
    tt_bulk_range range{};
    std::uint64_t op = 0;
  };

  /// The n-th has the key n + 1. A deque never moves its elements: they are the regions.
  std::deque<Offer> offers;
  /// What retire() answers, and the operations that it began.
  tt_status retire_status = TT_OK;
  std::vector<std::uint64_t> retired;
  std::vector<Get> gets;

  tt_status offer(const void* bytes, std::size_t size, tt_bulk_range* range, tt_bulk_region** out) {
    offers.push_back({bytes, size});
    *range = {.key = offers.size(), .address = 0, .bytes = size};
    *out = reinterpret_cast<tt_bulk_region*>(&offers.back());
    return TT_OK;
  }
  static void withdraw(tt_bulk_region* region) {
    reinterpret_cast<Offer*>(region)->is_withdrawn = true;
  }
};

/// `Conn` has a member `bulk` and `of(tt_conn*)`; `terms` answers limits().
template <class Conn>
const tt_bulk& bulk_table() {
  static constexpr tt_bulk table{
      .size = sizeof(tt_bulk),
      .reserved0 = 0,
      .limits =
          [](tt_transport*, tt_conn*, tt_bulk_limits* limits) {
            *limits = {
                .size = limits->size, .operations_max = 8, .bytes_max = 1 << 20, .bytes_min = 1000};
            return tt_status{TT_OK};
          },
      .offer = [](tt_transport*, tt_conn* c, void* bytes, std::size_t size, std::uint32_t,
                  tt_bulk_range* range, tt_bulk_region** out,
                  tt_error*) { return Conn::of(c).bulk.offer(bytes, size, range, out); },
      .withdraw = [](tt_transport*, tt_conn*,
                     tt_bulk_region* region) { FakeBulk::withdraw(region); },
      .get =
          [](tt_transport*, tt_conn* c, const tt_bulk_range* range, std::uint64_t op) {
            Conn::of(c).bulk.gets.push_back({*range, op});
            return tt_status{TT_PENDING};
          },
      .put = nullptr,
      .retire =
          [](tt_transport*, tt_conn* c, tt_bulk_region* region, std::uint64_t op) {
            FakeBulk& bulk = Conn::of(c).bulk;
            FakeBulk::withdraw(region);
            if (bulk.retire_status == TT_PENDING) bulk.retired.push_back(op);
            return bulk.retire_status;
          }};
  return table;
}

}  // namespace trestle::fakes
