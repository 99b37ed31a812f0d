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

Result<std::chrono::nanoseconds> parse_time(const std::string& key, const std::string& value,
                                            std::string_view uri) {
  if (value == "off") return std::chrono::nanoseconds::zero();
  auto time = sdk::parse_duration(value);
  if (time.has_value() && *time <= added_time_max) return *time;
  const std::string expected = time.has_value() ? "at most a year" : "a time such as 500ms, or off";
  return Error(Errc::bad_endpoint, "option " + key + "=" + value + " in '" + std::string(uri) +
                                       "': expected " + expected);
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
  for (auto [key, target] : {std::pair{"heartbeat", &endpoint.heartbeat},
                             std::pair{"dead_after", &endpoint.dead_after}}) {
    const auto option = parsed->options.find(key);
    if (option == parsed->options.end()) continue;
    auto time = parse_time(key, option->second, text);
    if (time.has_error()) return std::move(time).error();
    *target = *time;
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
