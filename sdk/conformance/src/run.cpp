// The list of all checks, and running one of them.
#include <trestle/conformance/check.hpp>

#include <algorithm>
#include <cctype>
#include <exception>
#include <string_view>

#include "bench.hpp"
#include "checks/checks.hpp"
#include "loaded_plugin.hpp"

namespace trestle::conformance {
namespace {

std::vector<Check> collect() {
  std::vector<Check> all;
  for (const auto group :
       {loading_checks(), table_checks(), failure_checks(), manner_checks(), address_checks(),
        connection_checks(), process_checks(), packet_checks(), borrowing_checks(), bulk_checks(),
        flow_checks(), waking_checks(), driving_checks(), shutdown_checks()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

std::string reference_to(const std::string& section) {
  std::string anchor = section;
  for (char& letter : anchor) {
    letter = letter == ' ' ? '-' : static_cast<char>(std::tolower(letter));
  }
  return "docs/writing_a_transport.md#" + anchor;
}

Outcome skipped_with(const std::string& text) {
  return {Verdict::skip, text, "", "", ""};
}

/// Most texts are "WHAT: expected THIS, got THAT"; others only say what happened.
Outcome failed_with(const std::string& text, const std::string& section) {
  constexpr std::string_view expected = "expected ";
  constexpr std::string_view got = ", got";
  const auto at = text.find(expected);
  const auto end = text.find(got, at == std::string::npos ? 0 : at);
  if (at == std::string::npos || end == std::string::npos) {
    return {Verdict::fail, text, "what the contract says under \"" + section + '"', text,
            reference_to(section)};
  }
  const auto wanted = at + expected.size();
  const auto rest = std::min(text.size(), text.find_first_not_of(": ", end + got.size()));
  return {Verdict::fail, text, text.substr(0, at) + text.substr(wanted, end - wanted),
          text.substr(rest), reference_to(section)};
}

Outcome failed_with(const Failed& failed, const char* section) {
  return failed_with(failed.text, failed.rule == nullptr ? section : failed.rule->section);
}

}  // namespace

std::span<const Check> all_checks() {
  static const std::vector<Check> all = collect();
  return all;
}

Outcome try_to_listen(const Subject& subject) {
  try {
    Driver driver(load_plugin(subject.plugin_path, subject.scheme), subject, {});
    if ((driver.attributes().caps & TT_CAP_LISTEN) != 0) driver.listen(subject.listen_uri);
    return {};
  } catch (const Failed& failed) {
    return failed_with(failed, "Addresses");
  }
}

std::string reference_of(const Check& check) {
  return reference_to(check.rule);
}

Outcome run(const Check& check, const Subject& subject) {
  try {
    Bench bench(subject, check.needs);
    if (check.needs.loading == Loading::before_the_check) {
      const bool connects = check.needs.traffic == Traffic::connections;
      skip_without(check.required_caps | (connects ? TT_CAP_LISTEN | TT_CAP_CONNECT : 0), subject);
    }
    Outcome outcome;
    try {
      check.body(bench);
    } catch (const Skipped& skipped) {
      outcome = skipped_with(skipped.text);
    }
    bench.finish();
    return outcome;
  } catch (const Failed& failed) {
    return failed_with(failed, check.rule);
  } catch (const Skipped& skipped) {
    return skipped_with(skipped.text);
  } catch (const std::exception& error) {
    return failed_with(std::string("the check itself broke: ") + error.what(), check.rule);
  }
}

}  // namespace trestle::conformance
