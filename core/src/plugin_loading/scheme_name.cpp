// Validating schemes and deriving file names.
#include "plugin_loading/scheme_name.hpp"

#include <algorithm>

namespace trestle::plugin_loading {
namespace {

constexpr std::size_t scheme_bytes_max = 64;

bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}

bool is_word(std::string_view text) noexcept {
  const auto allowed = [](char c) { return is_lower(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

bool is_scheme(std::string_view text) noexcept {
  if (text.empty() || text.size() > scheme_bytes_max || !is_lower(text.front())) return false;
  while (true) {
    const auto plus = text.find('+');
    if (!is_word(text.substr(0, plus))) return false;
    if (plus == std::string_view::npos) return true;
    text.remove_prefix(plus + 1);
  }
}

/// What a peer sent may hold anything; an error text must stay one readable line.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, scheme_bytes_max));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > shown.size() ? shown + "..." : shown;
}

}  // namespace

Result<std::string> plugin_file_name(std::string_view scheme) {
  if (!is_scheme(scheme)) {
    return Error(Errc::bad_endpoint,
                 "'" + printable(scheme) +
                     "' is not a URI scheme: expected lower-case letters and digits, a letter "
                     "first, words joined by '+', up to 64 bytes, such as tcp or zmq+ipc");
  }
  return "trestle_" + std::string(scheme.substr(0, scheme.find('+'))) + ".so";
}

std::string_view inner_scheme(std::string_view scheme) noexcept {
  const auto plus = scheme.find('+');
  return plus == std::string_view::npos ? std::string_view() : scheme.substr(plus + 1);
}

bool covers(std::string_view declared, std::string_view scheme) noexcept {
  if (!declared.ends_with("+*")) return declared == scheme;
  declared.remove_suffix(1);
  return scheme.size() > declared.size() && scheme.starts_with(declared);
}

}  // namespace trestle::plugin_loading
