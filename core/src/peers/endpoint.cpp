// Reading endpoint URIs.
#include "peers/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <trestle/sdk/uri.hpp>

#include <utility>

namespace trestle::peers {
namespace {

/// Takes an option of Spin or Checksum off the URI.
template <class Choice>
Result<> take_choice(sdk::Uri& uri, const std::string& key, std::optional<Choice>& choice) {
  const auto option = uri.options.find(key);
  if (option == uri.options.end()) return {};
  if (option->second == "auto") choice = Choice::automatic;
  if (option->second == "on") choice = Choice::on;
  if (option->second == "off") choice = Choice::off;
  if (!choice) {
    return Error(Errc::bad_endpoint, "option " + key + "=" + option->second + " in '" + uri.str() +
                                         "': expected auto, on or off");
  }
  uri.options.erase(option);
  return {};
}

struct TimeOption {
  std::string key;
  std::optional<std::chrono::nanoseconds> Endpoint::*target;
  bool can_be_off;
};

Result<std::chrono::nanoseconds> parse_time(const TimeOption& option, const std::string& value,
                                            std::string_view uri) {
  using std::chrono::nanoseconds;
  if (option.can_be_off && value == "off") return nanoseconds::zero();
  const auto time = sdk::parse_duration(value);
  std::string expected;
  if (time.has_error()) {
    expected = option.can_be_off ? "a time such as 500ms, or off" : "a time such as 500ms";
  } else if (*time > added_time_max) {
    expected = "at most a year";
  } else if (*time == nanoseconds::zero() && !option.can_be_off) {
    expected = "a time above zero; heartbeat=off turns both off";
  } else {
    return *time;
  }
  return Error(Errc::bad_endpoint, "option " + option.key + "=" + value + " in '" +
                                       std::string(uri) + "': expected " + expected);
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  auto parsed = sdk::Uri::parse(text);
  if (parsed.has_error()) return Error(Errc::bad_endpoint, parsed.error().text);
  Endpoint endpoint;
  endpoint.scheme = parsed->scheme;
  if (const auto option = parsed->options.find("insecure"); option != parsed->options.end()) {
    if (option->second != "1" && option->second != "0") {
      return Error(Errc::bad_endpoint, "option insecure=" + option->second + " in '" +
                                           std::string(text) + "': expected 1 or 0");
    }
    endpoint.insecure = option->second == "1";
    parsed->options.erase(option);
  }
  if (auto spin = take_choice(*parsed, "spin", endpoint.spin); spin.has_error()) {
    return std::move(spin).error();
  }
  if (auto sums = take_choice(*parsed, "checksum", endpoint.checksum); sums.has_error()) {
    return std::move(sums).error();
  }
  for (const TimeOption& time : {TimeOption{"heartbeat", &Endpoint::heartbeat, true},
                                 TimeOption{"dead_after", &Endpoint::dead_after, false}}) {
    const auto option = parsed->options.find(time.key);
    if (option == parsed->options.end()) continue;
    auto value = parse_time(time, option->second, text);
    if (value.has_error()) return std::move(value).error();
    endpoint.*time.target = *value;
    parsed->options.erase(option);
  }
  if (auto address = sdk::HostPort::parse(parsed->address); address.has_value()) {
    endpoint.host = address->host;
  } else {
    endpoint.address_fault = address.error().text;
  }
  endpoint.uri = parsed->str();
  return endpoint;
}

bool Endpoint::is_loopback() const {
  if (host == "localhost") return true;
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(host, failed);
  return !failed && address.is_loopback();
}

}  // namespace trestle::peers
