// Parsing endpoint URIs and option values.
#include <trestle/sdk/uri.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

namespace trestle::sdk {
namespace {

/// Error texts hold 239 bytes, so a long input is cut before it hides the reason.
std::string quoted(std::string_view text) {
  constexpr std::size_t shown_bytes_max = 100;
  std::string out = "\"";
  for (const char c : text.substr(0, shown_bytes_max)) {
    out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  return out + (text.size() > shown_bytes_max ? "…\"" : "\"");
}

Error bad(std::string_view text, std::string_view reason) {
  return Error(TT_E_ADDR, quoted(text) + ": " + std::string(reason));
}

constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_scheme(std::string_view scheme) {
  return !scheme.empty() && is_lower(scheme.front()) &&
         std::all_of(scheme.begin(), scheme.end(), [](char c) {
           return is_lower(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return bad(text, "\"%\" must be followed by two hexadecimal digits");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  // Addresses end up in C strings, where a NUL would silently cut them.
  if (out.find('\0') != std::string::npos) return bad(text, "holds a NUL byte");
  return out;
}

void append_encoded(std::string& out, std::string_view text, std::string_view reserved) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%' && reserved.find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
}

/// Splits "key=value" and adds it to `options`; `uri` is for the error's text.
Result<> add_option(std::map<std::string, std::string>& options, std::string_view item,
                    std::string_view uri) {
  const std::size_t equals = item.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return bad(uri, "option " + quoted(item) + " must be key=value");
  }
  auto key = percent_decoded(item.substr(0, equals));
  if (key.has_error()) return key.error();
  auto value = percent_decoded(item.substr(equals + 1));
  if (value.has_error()) return value.error();
  if (!options.emplace(*key, std::move(*value)).second) {
    return bad(uri, "option " + quoted(*key) + " is given twice");
  }
  return {};
}

/// One unit that a number may carry, and how many base units it is.
struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

/// An unsigned integer directly followed by one of `units`, in base units up to `max`.
Result<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                     std::uint64_t max, std::string_view expected) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number);
  if (code == std::errc::result_out_of_range) return bad(text, "the number is too large");
  if (code != std::errc()) return bad(text, expected);
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  if (unit == units.end()) return bad(text, expected);
  if (number > max / unit->factor) return bad(text, "the number is too large");
  return number * unit->factor;
}

Result<std::uint16_t> parse_port(std::string_view address, std::string_view text) {
  if (text.empty()) return bad(address, "no port: expected host:port");
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, port);
  if (code == std::errc::result_out_of_range || (code == std::errc() && port > 65535)) {
    return bad(address, "port " + quoted(text) + " is above 65535");
  }
  if (code != std::errc() || rest != end) {
    return bad(address, "port " + quoted(text) + " is not a number");
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Result<Uri> Uri::parse(std::string_view text) {
  const std::size_t separator = text.find("://");
  if (separator == std::string_view::npos) {
    return bad(text, "not a URI: expected scheme://address");
  }
  Uri uri;
  uri.scheme = text.substr(0, separator);
  if (!is_scheme(uri.scheme)) {
    return bad(text, "a scheme is a lower-case letter, then lower-case letters, digits, + - .");
  }
  std::string_view rest = text.substr(separator + 3);
  const std::size_t question = rest.find('?');
  auto address = percent_decoded(rest.substr(0, question));
  if (address.has_error()) return address.error();
  uri.address = std::move(*address);
  if (question == std::string_view::npos) return uri;

  rest.remove_prefix(question + 1);
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = rest.find('&');
    if (auto added = add_option(uri.options, rest.substr(0, end), text); added.has_error()) {
      return added.error();
    }
    if (end != std::string_view::npos) rest.remove_prefix(end + 1);
  }
  return uri;
}

std::string Uri::str() const {
  std::string out = scheme + "://";
  append_encoded(out, address, "?#");
  char separator = '?';
  for (const auto& [key, value] : options) {
    out += std::exchange(separator, '&');
    append_encoded(out, key, "=&#");
    out += '=';
    append_encoded(out, value, "&#");
  }
  return out;
}

Result<HostPort> HostPort::parse(std::string_view address) {
  std::string_view host;
  std::string_view rest;
  if (address.starts_with('[')) {
    const std::size_t bracket = address.find(']');
    if (bracket == std::string_view::npos) return bad(address, "\"[\" without \"]\"");
    host = address.substr(1, bracket - 1);
    rest = address.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') return bad(address, "expected \":\" after \"]\"");
  } else {
    const std::size_t colon = address.find(':');
    host = address.substr(0, colon);
    if (colon != std::string_view::npos) rest = address.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos) {
      return bad(address, "a v6 address needs brackets: [address]:port");
    }
  }
  if (host.empty()) return bad(address, "no host: expected host:port");
  const auto port = parse_port(address, rest.empty() ? rest : rest.substr(1));
  if (port.has_error()) return port.error();
  return HostPort{.host = std::string(host), .port = *port};
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 4> units{
      {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}}};
  const auto count =
      parse_quantity(text, units, std::numeric_limits<std::int64_t>::max(),
                     "expected a duration: a whole number and a unit, ns, us, ms or s");
  if (count.has_error()) return count.error();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(*count));
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  static constexpr std::array<Unit, 4> units{
      {{"B", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}}};
  return parse_quantity(text, units, std::numeric_limits<std::uint64_t>::max(),
                        "expected a size: a whole number and a unit, B, KiB, MiB or GiB");
}

Result<bool> parse_switch(std::string_view text) {
  if (text == "on") return true;
  if (text == "off") return false;
  return bad(text, "expected on or off");
}

}  // namespace trestle::sdk
