// Writes values as JSON text.
#include "codec/json_writer.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include "codec/base64.hpp"
#include "codec/utf8.hpp"

namespace trestle::codec {
namespace {

constexpr std::size_t number_bytes_max = 32;

bool needs_escape(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escaped(OutputBuffer& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"':
      return out.append("\\\"");
    case '\\':
      return out.append("\\\\");
    case '\n':
      return out.append("\\n");
    case '\r':
      return out.append("\\r");
    case '\t':
      return out.append("\\t");
    default:
      out.append("\\u00");
      out.append(digits[static_cast<unsigned char>(c) >> 4]);
      out.append(digits[static_cast<unsigned char>(c) & 15]);
  }
}

}  // namespace

void JsonWriter::separate() {
  if (needs_comma_.test(depth())) out_.append(',');
  needs_comma_.set(depth());
}

bool JsonWriter::scalar(std::string_view text) {
  separate();
  out_.append(text);
  return true;
}

template <class T>
void JsonWriter::append_number(T value) {
  char* at = out_.room(number_bytes_max);
  out_.commit(std::to_chars(at, at + number_bytes_max, value).ptr);
}

template <class T>
bool JsonWriter::floating(T value) {
  if (!std::isfinite(value)) {
    return failure().because(std::string(std::isnan(value) ? "NaN" : "infinity") +
                             " has no form in JSON; send it as MessagePack");
  }
  separate();
  const std::size_t start = out_.size();
  append_number(value);
  const std::string_view digits(out_.begin() + start, out_.size() - start);
  if (digits.find_first_of(".e") == std::string_view::npos) out_.append(".0");
  return true;
}

bool JsonWriter::signed_integer(std::int64_t value) {
  separate();
  append_number(value);
  return true;
}

bool JsonWriter::unsigned_integer(std::uint64_t value) {
  separate();
  append_number(value);
  return true;
}

bool JsonWriter::single_float(float value) {
  return floating(value);
}

bool JsonWriter::double_float(double value) {
  return floating(value);
}

bool JsonWriter::string(std::string_view value) {
  if (const std::size_t bad = find_invalid_utf8(value); bad != value.size()) {
    return failure().because("the text is not UTF-8 at byte " + std::to_string(bad) +
                             ", which JSON demands");
  }
  out_.append('"');
  while (!value.empty()) {
    std::size_t plain = 0;
    while (plain < value.size() && !needs_escape(value[plain])) ++plain;
    out_.append(value.substr(0, plain));
    value.remove_prefix(plain);
    if (value.empty()) break;
    append_escaped(out_, value.front());
    value.remove_prefix(1);
  }
  out_.append('"');
  return true;
}

bool JsonWriter::text(std::string_view value) {
  separate();
  return string(value);
}

bool JsonWriter::bytes(BytesView value) {
  separate();
  out_.append('"');
  append_base64(out_, value);
  out_.append('"');
  return true;
}

bool JsonWriter::key(std::string_view name) {
  separate();
  if (!string(name)) return false;
  out_.append(':');
  needs_comma_.reset(depth());  // the value follows its key, not another value
  return true;
}

bool JsonWriter::open_array(std::size_t) {
  // depth() counts this array already.
  if (needs_comma_.test(depth() - 1)) out_.append(',');
  needs_comma_.set(depth() - 1);
  needs_comma_.reset(depth());
  out_.append('[');
  return true;
}

bool JsonWriter::open_map(std::size_t count) {
  open_array(count);
  out_.begin()[out_.size() - 1] = '{';
  return true;
}

bool JsonWriter::close_array() {
  out_.append(']');
  return true;
}

bool JsonWriter::close_map() {
  out_.append('}');
  return true;
}

}  // namespace trestle::codec
