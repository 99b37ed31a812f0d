// Qualified names of types as the ABI spells them, which compilers share.
#include <trestle/type_name.hpp>

#include <boost/core/demangle.hpp>

#include <cstdint>
#include <string_view>

#include "wire/packet.hpp"

namespace trestle::detail {
namespace {

void erase_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
    text.erase(at, part.size());
  }
}

/// FNV-1a, as 16 hex digits.
std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, hash >>= 4) {
    *digit = "0123456789abcdef"[hash & 0xF];
  }
  return digits;
}

}  // namespace

std::string qualified_name(const std::type_info& type) {
  std::string name = boost::core::demangle(type.name());
  erase_all(name, "(anonymous namespace)::");
  // What follows the template's own name; arguments of what it lies in are a part of that name.
  if (name.ends_with('>')) {
    int depth = 0;
    for (std::size_t at = name.size(); at-- > 0;) {
      if (name[at] == '>') ++depth;
      if (name[at] == '<' && --depth == 0) {
        name.resize(at);
        break;
      }
    }
  }
  return name;
}

std::string bounded_type_name(std::string name) {
  if (name.size() <= wire::type_name_bytes_max) return name;
  const std::string end = '#' + fingerprint(name);
  name.resize(wire::type_name_bytes_max - end.size());
  return name + end;
}

}  // namespace trestle::detail
