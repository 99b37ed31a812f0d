// Reads checked MessagePack, by msgpuck.
#include <trestle/detail/reader.hpp>

#include <msgpuck.h>

#include <array>
#include <charconv>
#include <cmath>

#include "codec/base64.hpp"

namespace trestle::detail {
namespace {

std::string_view name_of(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::null:
      return "null";
    case ValueKind::boolean:
      return "boolean";
    case ValueKind::integer:
      return "integer";
    case ValueKind::single_float:
    case ValueKind::double_float:
      return "floating-point number";
    case ValueKind::text:
      return "string";
    case ValueKind::bytes:
      return "bytes";
    case ValueKind::array:
      return "array";
    case ValueKind::map:
      return "map";
    case ValueKind::extension:
      return "a MessagePack extension";
  }
  return "unknown";
}

std::string mismatch(std::string_view wanted, ValueKind found) {
  return "expected " + std::string(wanted) + ", got " + std::string(name_of(found));
}

std::string digits_of(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

std::string does_not_fit(const std::string& value, const IntegerType& type) {
  return value + " does not fit " + std::string(type.name) + " (" + std::to_string(type.min) +
         " to " + std::to_string(type.max) + ')';
}

}  // namespace

Reader::Reader(BytesView checked, BytesForm form) noexcept
    : at_(reinterpret_cast<const char*>(checked.data())), form_(form) {}

ValueKind Reader::kind() const noexcept {
  switch (mp_typeof(*at_)) {
    case MP_NIL:
      return ValueKind::null;
    case MP_BOOL:
      return ValueKind::boolean;
    case MP_UINT:
    case MP_INT:
      return ValueKind::integer;
    case MP_FLOAT:
      return ValueKind::single_float;
    case MP_DOUBLE:
      return ValueKind::double_float;
    case MP_STR:
      return ValueKind::text;
    case MP_BIN:
      return ValueKind::bytes;
    case MP_ARRAY:
      return ValueKind::array;
    case MP_MAP:
      return ValueKind::map;
    case MP_EXT:
      break;
  }
  return ValueKind::extension;
}

bool Reader::expect(ValueKind wanted) {
  const ValueKind found = kind();
  return found == wanted || failure_.because(mismatch(name_of(wanted), found));
}

bool Reader::is_negative() const noexcept {
  const char* at = at_;
  // The signed forms may hold what is not negative.
  return mp_typeof(*at) == MP_INT && mp_decode_int(&at) < 0;
}

bool Reader::take_null() noexcept {
  if (kind() != ValueKind::null) return false;
  mp_decode_nil(&at_);
  return true;
}

bool Reader::read_null() {
  return expect(ValueKind::null) && take_null();
}

std::optional<bool> Reader::read_boolean() {
  if (!expect(ValueKind::boolean)) return std::nullopt;
  return mp_decode_bool(&at_);
}

Reader::Integer Reader::take_integer() noexcept {
  if (mp_typeof(*at_) == MP_UINT) return {mp_decode_uint(&at_), false};
  const std::int64_t value = mp_decode_int(&at_);
  return {static_cast<std::uint64_t>(value), value < 0};
}

std::optional<std::int64_t> Reader::read_signed(const IntegerType& type) {
  if (!expect(ValueKind::integer)) return std::nullopt;
  const Integer integer = take_integer();
  const auto value = static_cast<std::int64_t>(integer.bits);
  if (integer.is_negative ? value >= type.min : integer.bits <= type.max) return value;
  failure_.because(does_not_fit(
      integer.is_negative ? std::to_string(value) : std::to_string(integer.bits), type));
  return std::nullopt;
}

std::optional<std::uint64_t> Reader::read_unsigned(const IntegerType& type) {
  if (!expect(ValueKind::integer)) return std::nullopt;
  const Integer integer = take_integer();
  if (!integer.is_negative && integer.bits <= type.max) return integer.bits;
  failure_.because(does_not_fit(integer.is_negative
                                    ? std::to_string(static_cast<std::int64_t>(integer.bits))
                                    : std::to_string(integer.bits),
                                type));
  return std::nullopt;
}

std::optional<double> Reader::read_double() {
  switch (mp_typeof(*at_)) {
    case MP_DOUBLE:
      return mp_decode_double(&at_);
    case MP_FLOAT:
      return mp_decode_float(&at_);
    case MP_UINT:
    case MP_INT: {
      const Integer integer = take_integer();
      if (!integer.is_negative) return static_cast<double>(integer.bits);
      return static_cast<double>(static_cast<std::int64_t>(integer.bits));
    }
    default:
      failure_.because(mismatch("number", kind()));
      return std::nullopt;
  }
}

std::optional<float> Reader::read_float() {
  const auto value = read_double();
  if (!value) return std::nullopt;
  // Infinity and NaN are floats. The limit is what would round to infinity, not the largest float:
  // its shortest digits, as JSON has them, stand for a slightly larger double.
  constexpr double limit = 0x1.ffffffp127;
  if (std::isfinite(*value) && std::fabs(*value) >= limit) {
    failure_.because(digits_of(*value) + " does not fit float");
    return std::nullopt;
  }
  return static_cast<float>(*value);
}

std::string_view Reader::take_text() noexcept {
  std::uint32_t size = 0;
  const char* text = mp_decode_str(&at_, &size);
  return {text, size};
}

std::optional<std::string_view> Reader::read_text() {
  if (!expect(ValueKind::text)) return std::nullopt;
  return take_text();
}

std::optional<BytesView> Reader::read_bytes() {
  if (form_ == BytesForm::binary) {
    if (!expect(ValueKind::bytes)) return std::nullopt;
    std::uint32_t size = 0;
    const char* bytes = mp_decode_bin(&at_, &size);
    return as_bytes(std::string_view(bytes, size));
  }
  if (kind() == ValueKind::text && codec::decode_base64(take_text(), decoded_)) return decoded_;
  failure_.because("expected bytes as a base64 string");
  return std::nullopt;
}

std::optional<std::size_t> Reader::begin_array() {
  if (!expect(ValueKind::array)) return std::nullopt;
  return mp_decode_array(&at_);
}

std::optional<std::size_t> Reader::begin_map() {
  if (!expect(ValueKind::map)) return std::nullopt;
  return mp_decode_map(&at_);
}

std::optional<std::string_view> Reader::read_key() {
  if (kind() == ValueKind::text) return take_text();
  failure_.because("expected a string as map key, got " + std::string(name_of(kind())));
  return std::nullopt;
}

void Reader::skip() noexcept {
  mp_next(&at_);
}

}  // namespace trestle::detail
