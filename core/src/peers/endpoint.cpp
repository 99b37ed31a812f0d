// Reading endpoint URIs.
#include "peers/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <trestle/sdk/uri.hpp>

namespace trestle::peers {

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
