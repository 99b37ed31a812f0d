// What goes wrong leaves nothing behind: refused options, no descriptors, no memory, strangers.
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "../raw_peer.hpp"
#include "../resources.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

/// One open() and, if it succeeds, the shortest way to destroy().
class BareOpen {
 public:
  BareOpen(const tt_ops& ops, const Subject& subject, const tt_kv* option = nullptr)
      : ops_(ops), host_(ClockKind::real, subject), scheme_(subject.scheme) {
    params_.size = sizeof(params_);
    params_.scheme = scheme_.c_str();
    params_.kv = option;
    params_.nkv = option == nullptr ? 0 : 1;
    params_.rx_max_msg = 1 << 20;
    params_.tx_hwm_bytes = 1 << 20;
    params_.linger_ns = 1'000'000'000;
    error_.size = sizeof(error_);
  }

  tt_status open() { return ops_.open(host_.table(), &params_, &transport_, &error_); }
  const char* text() const { return error_.text; }

  void close() {
    ops_.shutdown(transport_, 0);
    tt_event event{};
    for (int i = 0; i < 1000 && event.kind != TT_EV_DOWN; ++i) ops_.progress(transport_, &event, 1);
    expect_equal("the last event after shutdown()", TT_EV_DOWN, int{event.kind});
    expect_status("destroy", TT_OK, ops_.destroy(transport_));
  }

  void expect_failure(tt_status status, const std::string& when) const {
    expect(status < 0, when + ": expected an error, got " + name_of_status(status));
    expect(*text() != '\0',
           when + ": expected a text with " + name_of_status(status) + ", got none");
    expect_equal("bytes from alloc() after " + when, 0, host_.allocated_bytes());
  }

 private:
  const tt_ops& ops_;
  TestHost host_;
  const std::string scheme_;
  tt_open_params params_{};
  tt_error error_{};
  tt_transport* transport_ = nullptr;
};

/// While it lives no descriptor beyond `more` new ones can be opened.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::eventfd(0, EFD_CLOEXEC);
    expect(next >= 0, "eventfd: the kit itself is out of file descriptors");
    ::close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + more;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

void failed_open(Bench& bench) {
  const tt_ops& ops = *bench.plugin().ops;
  const Subject& subject = bench.subject();
  {
    BareOpen first(ops, subject);  // whatever is made once is made now
    expect_status("open", TT_OK, first.open());
    first.close();
  }
  const std::size_t descriptors = open_descriptors();
  const std::size_t threads = running_threads();
  const auto expect_nothing_left = [&](const std::string& when) {
    expect_equal("file descriptors after " + when, descriptors, open_descriptors());
    expect_equal("threads after " + when, threads, running_threads());
  };

  {
    const tt_kv unknown{"no_such_option", "1"};
    BareOpen refused(ops, subject, &unknown);
    const std::string when = "open with an unknown option";
    const tt_status status = refused.open();
    refused.expect_failure(status, when);
    expect_status(when, TT_E_ADDR, status);
  }
  expect_nothing_left("open with an unknown option");
  constexpr rlim_t enough = 64;
  for (rlim_t more = 0; more <= enough; ++more) {
    const std::string when = "open with room for " + std::to_string(more) + " descriptors";
    BareOpen starved(ops, subject);
    tt_status status = TT_OK;
    {
      const FewDescriptors few(more);
      status = starved.open();
    }
    if (status == TT_OK) {
      starved.close();
      break;
    }
    starved.expect_failure(status, when);
  }
  expect_nothing_left("open without descriptors");
}

/// Listens, connects and sends, as far as it gets with the allocations that are left.
void try_session(Bench& bench, Driver& server, Driver& client) {
  const std::size_t packet_bytes = client.fitting(300'000);
  Listener* listener = nullptr;
  Connection* out = nullptr;
  if (server.try_listen(bench.subject().listen_uri, &listener).status != TT_OK) return;
  if (client.try_connect(server.uri_of(*listener), &out).status == TT_OK) {
    bench.pump_until([&] { return out->closed || (out->up && !listener->accepted.empty()); },
                     "CONNECTED or CLOSED without memory");
    const auto bytes = make_pattern(1, packet_bytes);
    const auto send = [&] { return client.send(*out, bytes, TT_SEND_COPY).status; };
    if (!out->closed && send() == TT_OK) {
      const Connection* in = listener->accepted.empty() ? nullptr : listener->accepted.front();
      bench.pump_until(
          [&] { return out->closed || in == nullptr || in->closed || in->arrived > 0; },
          "a packet, or CLOSED, without memory");
    }
    client.close(*out, TT_CLOSE_ABORT);
  }
  server.unlisten(*listener);
  bench.pump_until([&] { return listener->gone && (out == nullptr || out->closed); },
                   "UNLISTENED and CLOSED after a session without memory");
}

void failed_allocations(Bench& bench) {
  constexpr std::uint64_t enough = 64;
  Driver& server = bench.open();
  Driver& client = bench.open();
  const auto taken = [&] { return server.host().allocations() + client.host().allocations(); };
  const std::uint64_t before = taken();
  try_session(bench, server, client);
  const std::uint64_t needed = taken() - before;
  if (needed == 0) throw Skipped{"the transport took no memory from tt_host.alloc"};

  for (std::uint64_t granted = 0; granted < std::min(needed, enough); ++granted) {
    for (Driver* driver : {&server, &client}) driver->host().grant_allocations(granted);
    try_session(bench, server, client);
    for (Driver* driver : {&server, &client}) {
      driver->host().grant_allocations(TestHost::unlimited);
    }
    Listener& listener = server.listen(bench.subject().listen_uri);
    const Ends ends = connect_ends(bench, server, client, listener, server.uri_of(listener));
    const std::size_t packet_bytes = client.fitting(1000);
    send_or_wait(bench, client, ends.out, make_pattern(granted, packet_bytes), TT_SEND_COPY);
    expect_packet(bench, ends.in, granted, packet_bytes);
  }
}

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text) {
  const auto* const start = reinterpret_cast<const std::byte*>(text.data());
  return {start, start + text.size()};
}

/// Noise, another protocol, and the plugin's own words cut short or damaged.
Bytes make_garbage(std::mt19937_64& random, const Bytes& own_words) {
  Bytes garbage = own_words;
  switch (random() % 4) {
    case 0:
      return bytes_of("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    case 1:
      return make_pattern(random(), 1 + random() % 5000);
    case 2:
      garbage.resize(garbage.empty() ? 0 : random() % garbage.size());
      return garbage;
    default:
      for (std::size_t i = 0; !garbage.empty() && i < 1 + random() % 4; ++i) {
        garbage[random() % std::min<std::size_t>(garbage.size(), 24)] ^= std::byte{0xFF};
      }
      return garbage;
  }
}

void strangers_do_no_harm(Bench& bench) {
  constexpr std::size_t packet_bytes_max = 100'000;
  constexpr int stranger_count = 60;
  const Pair pair = connect_pair(bench, {.packet_bytes_max = packet_bytes_max});
  const auto address = socket_address_of(pair.uri);
  if (!address) throw Skipped{"no stranger's socket can reach " + pair.uri};
  std::mt19937_64 random(bench.subject().seed);
  const Bytes own_words = overhear(bench, *address);

  for (int i = 0; i < stranger_count; ++i) {
    RawPeer stranger(*address);
    stranger.write(make_garbage(random, own_words));
    bench.pump_until_quiet({&pair.server});
    const auto most = static_cast<std::int64_t>(4 * packet_bytes_max + (16u << 20));
    expect(pair.server.host().allocated_bytes() < most,
           "memory for strangers' bytes: expected it to follow rx_max_msg, got " +
               std::to_string(pair.server.host().allocated_bytes()) + " bytes");
  }

  const std::size_t packet_bytes = pair.client.fitting(4000);
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, packet_bytes), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, packet_bytes);
  connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
}

}  // namespace

std::span<const Check> failure_checks() {
  static constexpr std::array checks = {
      Check{"AFailedOpenLeavesNothingBehind",
            "Ownership",
            0,
            failed_open,
            {.traffic = Traffic::none}},
      Check{"AFailedAllocationEndsOnlyWhatNeededIt",
            "Errors",
            0,
            failed_allocations,
            {.warnings = Warnings::provoked}},
      Check{"AStrangersBytesDoNoHarm",
            "Connections",
            0,
            strangers_do_no_harm,
            {.warnings = Warnings::provoked}},
  };
  return checks;
}

}  // namespace trestle::conformance
