// Any text as a URI, an address or an option: parsing never harms, and what it accepts means the
// same when it is written and read again.
#include <trestle/sdk/uri.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/option_reader.hpp>

#include <cstdint>
#include <string>

#include "demand.hpp"
#include "peers/endpoint.hpp"
#include "plugin_loading/scheme_name.hpp"

namespace {

using namespace trestle;
using fuzz::demand;
using transport_kit::Family;

void check_options(const sdk::Uri& uri) {
  std::chrono::nanoseconds time{};
  std::uint64_t size = 0;
  bool is_on = false;
  std::string name;
  std::int64_t count = 0;
  std::size_t position = 0;
  transport_kit::OptionReader reader;
  reader.duration("time", time)
      .bytes("size", size)
      .on_off("switch", is_on)
      .text("name", name)
      .number("count", -3, 100, count)
      .choice("kind", {"first", "second"}, position);

  const auto applied = reader.apply(uri.options);

  if (applied.has_error()) return demand(!applied.error().text.empty(), "an error has a text");
  demand(count >= -3 && count <= 100, "a number is within its bounds");
  demand(position < 2, "a choice is one of its values");
  demand(time.count() >= 0, "no duration is negative");
}

void check_uri(std::string_view text) {
  const auto uri = sdk::Uri::parse(text);
  if (uri.has_error()) return demand(!uri.error().text.empty(), "an error has a text");
  const auto again = sdk::Uri::parse(uri->str());
  demand(again.has_value() && *again == *uri, "a URI is the same when read again");
  check_options(*uri);
  if (const auto file = plugin_loading::plugin_file_name(uri->scheme)) {
    demand(file->find_first_of("/.") == file->size() - 3, "a file name is no path");
  }
}

void check_endpoint(std::string_view text) {
  const auto endpoint = peers::Endpoint::parse(text);
  if (endpoint.has_error()) return demand(!endpoint.error().text.empty(), "an error has a text");
  const auto again = peers::Endpoint::parse(endpoint->uri);
  demand(again.has_value(), "what core leaves to the transport is a URI");
  demand(again->uri == endpoint->uri && again->host == endpoint->host, "and the same one");
  demand(!again->insecure && !again->spin && !again->heartbeat && !again->dead_after,
         "core takes its options off");
  static_cast<void>(endpoint->is_loopback());
}

void check_address(const std::string& text) {
  for (const Family family : {Family::any, Family::v4, Family::v6}) {
    if (const auto target = transport_kit::tcp_target(text, family); target.has_value()) {
      demand(target->port != 0 || !target->addresses.empty(), "a target has a port");
      for (const auto& address : target->addresses) {
        demand(sdk::Uri::parse(transport_kit::uri_of(address)).has_value(), "it has a URI");
      }
    }
    static_cast<void>(transport_kit::tcp_binding(text, family));
  }
  if (const auto address = transport_kit::unix_address(text); address.has_value()) {
    const auto uri = sdk::Uri::parse(transport_kit::uri_of(*address));
    demand(uri.has_value() && uri->address == text, "a path is the same when read again");
  }
}

void check_value(std::string_view text) {
  if (const auto time = sdk::parse_duration(text); time.has_value()) {
    demand(time->count() >= 0, "no duration is negative");
  }
  static_cast<void>(sdk::parse_bytes(text));
  static_cast<void>(sdk::parse_switch(text));
  if (const auto address = sdk::HostPort::parse(text); address.has_value()) {
    demand(!address->host.empty(), "a host has a name");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of its exact size: a sanitizer sees each overread.
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_uri(text);
  check_endpoint(text);
  check_value(text);
  check_address(text);
  return 0;
}
