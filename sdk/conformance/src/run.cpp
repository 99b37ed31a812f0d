// The list of all checks, and running one of them.
#include <trestle/conformance/check.hpp>

#include <exception>

#include "bench.hpp"
#include "checks/checks.hpp"

namespace trestle::conformance {
namespace {

std::vector<Check> collect() {
  std::vector<Check> all;
  for (const auto group : {address_checks(), connection_checks(), packet_checks(),
                           borrowing_checks(), flow_checks(), waking_checks(), shutdown_checks()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

const char* name_of_cap(std::uint64_t cap) {
  switch (cap) {
    case TT_CAP_LISTEN:
      return "TT_CAP_LISTEN";
    case TT_CAP_CONNECT:
      return "TT_CAP_CONNECT";
    case TT_CAP_LOSS_NOTICE:
      return "TT_CAP_LOSS_NOTICE";
    case TT_CAP_TX_BORROW:
      return "TT_CAP_TX_BORROW";
    case TT_CAP_RX_HOLD:
      return "TT_CAP_RX_HOLD";
    case TT_CAP_RX_PAUSE:
      return "TT_CAP_RX_PAUSE";
    default:
      return "another capability";
  }
}

void skip_without(std::uint64_t required, const Subject& subject) {
  Bench probe(subject);
  const std::uint64_t caps = probe.open().attributes().caps;
  probe.finish();
  for (std::uint64_t cap = 1; cap != 0; cap <<= 1) {
    if ((required & cap) != 0 && (caps & cap) == 0) {
      throw Skipped{std::string("the transport does not declare ") + name_of_cap(cap)};
    }
  }
}

}  // namespace

std::span<const Check> all_checks() {
  static const std::vector<Check> all = collect();
  return all;
}

Outcome run(const Check& check, const Subject& subject) {
  try {
    skip_without(check.required_caps | TT_CAP_LISTEN | TT_CAP_CONNECT, subject);
    Bench bench(subject);
    Outcome outcome;
    try {
      check.body(bench);
    } catch (const Skipped& skipped) {
      outcome = {Verdict::skip, skipped.text};
    }
    bench.finish();
    return outcome;
  } catch (const Failed& failed) {
    return {Verdict::fail, failed.text};
  } catch (const Skipped& skipped) {
    return {Verdict::skip, skipped.text};
  } catch (const std::exception& error) {
    return {Verdict::fail, std::string("the check itself broke: ") + error.what()};
  }
}

}  // namespace trestle::conformance
