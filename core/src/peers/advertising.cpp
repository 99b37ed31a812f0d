// Replacing wildcards by addresses.
#include "peers/advertising.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <trestle/sdk/uri.hpp>

namespace trestle::peers {
namespace {

using platform::HostAddress;

enum class Wildcard { none, v4, any };

Wildcard wildcard_of(const std::string& host) {
  if (host == "*") return Wildcard::any;
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(host, failed);
  if (failed || !address.is_unspecified()) return Wildcard::none;
  return address.is_v4() ? Wildcard::v4 : Wildcard::any;
}

enum class Loopback { only, never };

void append_covered(std::vector<std::string>& uris, const sdk::Uri& uri, std::uint16_t port,
                    Wildcard wildcard, const std::vector<HostAddress>& own, Loopback loopback) {
  for (const HostAddress& address : own) {
    const bool is_v6 = address.family == HostAddress::Family::v6;
    if (is_v6 && wildcard == Wildcard::v4) continue;
    if (address.is_loopback != (loopback == Loopback::only)) continue;
    sdk::Uri reachable = uri;
    reachable.address =
        (is_v6 ? "[" + address.text + "]" : address.text) + ":" + std::to_string(port);
    uris.push_back(reachable.str());
  }
}

}  // namespace

std::vector<std::string> advertise(const std::vector<std::string>& listening,
                                   const std::vector<HostAddress>& own) {
  std::vector<std::string> uris;
  for (const std::string& text : listening) {
    const auto uri = sdk::Uri::parse(text);
    const auto address = uri.has_value() ? sdk::HostPort::parse(uri->address)
                                         : sdk::Result<sdk::HostPort>(uri.error());
    const Wildcard wildcard = address.has_value() ? wildcard_of(address->host) : Wildcard::none;
    if (wildcard == Wildcard::none) {
      uris.push_back(text);
      continue;
    }
    const std::size_t before = uris.size();
    append_covered(uris, *uri, address->port, wildcard, own, Loopback::never);
    if (uris.size() == before) {
      append_covered(uris, *uri, address->port, wildcard, own, Loopback::only);
    }
  }
  return uris;
}

}  // namespace trestle::peers
