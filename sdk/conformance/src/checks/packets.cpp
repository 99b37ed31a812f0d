// Packets arrive whole, in order, and only if they may.
#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "../resources.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

void order_both_ways(Bench& bench) {
  constexpr std::uint64_t packet_count = 2000;
  const Pair pair = connect_pair(bench);
  const auto size_of = [&](std::uint64_t number) {
    return pair.client.fitting(number * 37 % 1500);
  };

  for (std::uint64_t number = 0; number < packet_count; ++number) {
    const auto bytes = make_pattern(number, size_of(number));
    const std::uint32_t more = number % 8 == 7 ? 0u : TT_SEND_MORE;
    send_or_wait(bench, pair.client, pair.out, bytes, TT_SEND_COPY | more);
    send_or_wait(bench, pair.server, pair.in, bytes, TT_SEND_COPY);
    if (more == 0) pair.client.flush();
  }
  pair.client.flush();

  for (std::uint64_t number = 0; number < packet_count; ++number) {
    expect_packet(bench, pair.in, number, size_of(number));
    expect_packet(bench, pair.out, number, size_of(number));
  }
}

std::vector<std::size_t> edge_sizes(const tt_attr& attr) {
  std::vector<std::size_t> sizes = {
      0,    1,   63,           64,       65,           4095,         4096,
      4097, mib, 64 * kib - 1, 64 * kib, 64 * kib + 1, 16 * mib - 1, 16 * mib};
  for (const std::size_t edge : {std::size_t{attr.copy_max}, std::size_t{attr.borrow_min}}) {
    if (edge > 0 && edge < 16 * mib) sizes.insert(sizes.end(), {edge - 1, edge, edge + 1});
  }
  if (attr.max_msg != 0 && attr.max_msg < 16 * mib) sizes.push_back(attr.max_msg - 1);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  if (attr.max_msg != 0)
    std::erase_if(sizes, [&](std::size_t size) { return size > attr.max_msg; });
  return sizes;
}

void sizes_at_the_edges(Bench& bench) {
  const Pair pair = connect_pair(bench);
  for (const std::size_t size : edge_sizes(pair.client.attributes())) {
    for (const std::uint32_t flags : {0u, std::uint32_t{TT_SEND_COPY}}) {
      const auto bytes = make_pattern(size + flags, size);

      const SendResult result = send_or_wait(bench, pair.client, pair.out, bytes, flags);

      expect_packet(bench, pair.in, size + flags, size);
      bench.pump_until([&] { return !pair.out.pending.contains(result.op); }, "SENT");
    }
  }
}

/// Bytes cut into segments that lie apart in memory, every third of them empty.
struct Scattered {
  std::vector<std::vector<std::byte>> parts;
  std::vector<tt_iov> segments;
};

Scattered scatter(const std::vector<std::byte>& bytes, std::size_t count) {
  Scattered cut{{}, std::vector<tt_iov>(count, tt_iov{nullptr, 0})};
  const std::size_t filled = count - count / 3;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 3 == 2) continue;
    const std::size_t end = bytes.size() * (cut.parts.size() + 1) / filled;
    cut.parts.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                           bytes.begin() + static_cast<std::ptrdiff_t>(end));
    cut.segments[i] = {cut.parts.back().data(), end - at};
    at = end;
  }
  return cut;
}

void gathers_segments(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const std::size_t segments_max = pair.client.attributes().max_iov;
  std::uint64_t number = 0;
  for (const std::size_t wanted : {std::size_t{0}, std::size_t{5}, 5 * kib, 300 * kib}) {
    const std::size_t size = pair.client.fitting(wanted);
    for (const std::size_t count : {std::size_t{2}, std::size_t{4}, segments_max}) {
      for (const std::uint32_t flags : {0u, std::uint32_t{TT_SEND_COPY}}) {
        const auto bytes = make_pattern(++number, size);
        const Scattered cut = scatter(bytes, count);

        const SendResult result = pair.client.send(pair.out, cut.segments, flags);

        expect(result.status >= 0, "a gathered send: got " + name_of_status(result.status));
        expect_packet(bench, pair.in, number, size);
        bench.pump_until([&] { return !pair.out.pending.contains(result.op); }, "SENT");
      }
    }
  }
}

void too_many_segments(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const auto bytes = make_pattern(1, 100);
  const Scattered cut = scatter(bytes, pair.client.attributes().max_iov + 1);

  const SendResult result = pair.client.send(pair.out, cut.segments, TT_SEND_COPY);

  expect_status("a send of max_iov + 1 segments", TT_E_INVALID, result.status);
  send_or_wait(bench, pair.client, pair.out, make_pattern(2, 50), TT_SEND_COPY);
  expect_packet(bench, pair.in, 2, 50);
}

void no_segments(Bench& bench) {
  const Pair pair = connect_pair(bench);

  const SendResult result = pair.client.send(pair.out, std::span<const tt_iov>{}, 0);

  expect_status("a send of no segments", TT_OK, result.status);
  expect_packet(bench, pair.in, 0, 0);
}

void copies_are_copies(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const std::size_t borrow_min = pair.client.attributes().borrow_min;
  const std::array wanted = {std::size_t{100}, 20 * kib, std::min(borrow_min + 1, mib), 2 * mib};
  std::vector<std::size_t> sizes;
  for (const std::size_t size : wanted) sizes.push_back(pair.client.fitting(size));

  std::vector<std::vector<std::byte>> buffers;  // stay, for those who do not copy
  for (const std::size_t size : sizes) {
    auto& bytes = buffers.emplace_back(make_pattern(size, size));
    send_or_wait(bench, pair.client, pair.out, bytes, TT_SEND_COPY);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xEE});
  }

  for (const std::size_t size : sizes) expect_packet(bench, pair.in, size, size);
}

void oversize_is_cut_off(Bench& bench) {
  const std::size_t limit = bench.open().fitting(100'001) - 1;
  const Pair pair = connect_pair(bench, {.packet_bytes_max = limit});
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, limit), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, limit);
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);

  const SendResult result = pair.client.send(pair.out, make_pattern(2, limit + 1), TT_SEND_COPY);

  expect(result.status == TT_OK || result.status == TT_E_TOOBIG,
         "a send above the receiver's limit: expected TT_OK or TT_E_TOOBIG, got " +
             name_of_status(result.status));
  expect_closed(bench, pair.in, TT_E_TOOBIG, "the receiver of an oversize packet");
  bench.pump_until([&] { return pair.out.closed; }, "CLOSED on the sender of an oversize packet");
  expect_equal("packets at the receiver", std::size_t{1}, pair.in.arrived);
  send_or_wait(bench, pair.client, other.out, make_pattern(3, 30), TT_SEND_COPY);
  expect_packet(bench, other.in, 3, 30);
}

void large_first_is_cut_off(Bench& bench) {
  const std::size_t limit = bench.open().fitting(40'001) - 1;
  const OpenOptions strict{.first_packet_bytes_max = limit};
  const Pair pair = connect_pair(bench, strict);
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);

  send_or_wait(bench, pair.client, other.out, make_pattern(1, limit), TT_SEND_COPY);
  expect_packet(bench, other.in, 1, limit);
  send_or_wait(bench, pair.client, other.out, make_pattern(2, limit + 1), TT_SEND_COPY);
  expect_packet(bench, other.in, 2, limit + 1);
  send_or_wait(bench, pair.server, pair.in, make_pattern(3, limit + 1), TT_SEND_COPY);
  expect_packet(bench, pair.out, 3, limit + 1);

  const SendResult result = pair.client.send(pair.out, make_pattern(4, limit + 1), TT_SEND_COPY);

  expect(result.status == TT_OK || result.status == TT_E_TOOBIG,
         "a send above the receiver's limit: expected TT_OK or TT_E_TOOBIG, got " +
             name_of_status(result.status));
  expect_closed(bench, pair.in, TT_E_TOOBIG, "the receiver of a large first packet");
  expect_equal("packets at the receiver", std::size_t{0}, pair.in.arrived);
  send_or_wait(bench, pair.client, other.out, make_pattern(5, 30), TT_SEND_COPY);
  expect_packet(bench, other.in, 5, 30);
}

/// Bytes that take no memory as long as they are only read.
class Zeros {
 public:
  explicit Zeros(std::size_t size)
      : size_(size),
        start_(
            ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (start_ == MAP_FAILED) {
      throw Skipped{"no address space for " + std::to_string(size) + " bytes, one above max_msg"};
    }
  }
  ~Zeros() { ::munmap(start_, size_); }
  Zeros(const Zeros&) = delete;
  Zeros& operator=(const Zeros&) = delete;

  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(start_), size_};
  }

 private:
  const std::size_t size_;
  void* const start_;
};

void nothing_above_the_largest(Bench& bench) {
  constexpr std::uint64_t passing_max = 64 * mib;  // larger ones would only test the machine
  constexpr std::size_t growth_max = 64 * mib;
  const Pair pair = connect_pair(bench);
  const std::uint64_t largest = pair.client.attributes().max_msg;
  if (largest == 0) throw Skipped{"the transport has no largest packet: max_msg is 0"};
  if (largest <= passing_max) {
    const auto bytes = make_pattern(1, largest);
    const SendResult result = send_or_wait(bench, pair.client, pair.out, bytes);
    expect_packet(bench, pair.in, 1, largest);
    bench.pump_until([&] { return !pair.out.pending.contains(result.op); }, "SENT");
  }
  const Zeros zeros(largest + 1);
  const std::size_t before = peak_memory_bytes();

  for (const std::uint32_t flags : {0u, std::uint32_t{TT_SEND_COPY}}) {
    expect_status("a send of max_msg + 1 bytes", TT_E_TOOBIG,
                  pair.client.send(pair.out, zeros.bytes(), flags).status);
  }

  const std::size_t grown = peak_memory_bytes() - before;
  expect(grown < growth_max,
         "memory for a packet that is refused: expected less than 64 MiB, got " +
             std::to_string(grown) + " bytes");
  send_or_wait(bench, pair.client, pair.out, make_pattern(2, 30), TT_SEND_COPY);
  expect_packet(bench, pair.in, 2, 30);
}

}  // namespace

std::span<const Check> packet_checks() {
  static constexpr std::array checks = {
      Check{"PacketsKeepTheirOrderBothWays", "Packets", 0, order_both_ways},
      Check{"PacketsOfAllSizesArriveWhole", "Packets", 0, sizes_at_the_edges},
      Check{"SegmentsArriveAsOnePacket", "Packets", 0, gathers_segments},
      Check{"MoreSegmentsThanDeclaredAreInvalid", "Packets", 0, too_many_segments},
      Check{"NoSegmentsAreAnEmptyPacket", "Packets", 0, no_segments},
      Check{"CopiedBuffersMayBeOverwrittenAtOnce", "Ownership", 0, copies_are_copies},
      Check{"NothingAboveTheLargestPacketIsTaken", "Packets", 0, nothing_above_the_largest},
      Check{"AnOversizePacketEndsItsConnectionOnly", "Packets", 0, oversize_is_cut_off},
      Check{"ALargeFirstPacketEndsItsConnectionOnly", "Packets", TT_CAP_RX_FIRST,
            large_first_is_cut_off},
  };
  return checks;
}

}  // namespace trestle::conformance
