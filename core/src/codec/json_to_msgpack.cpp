// Listens to Boost.JSON's parser and writes MessagePack.
//
// The parser's events are used instead of its tree: they keep duplicate keys visible, and they give
// the digits of a number, which this Boost version rounds wrongly in the last place.
#include "codec/json_to_msgpack.hpp"

#include <msgpuck.h>

#include <boost/json/basic_parser_impl.hpp>
#include <trestle/detail/writer.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "codec/output_buffer.hpp"

namespace trestle::codec {
namespace {

namespace json = boost::json;

using ErrorCode = boost::system::error_code;

/// The tags of items whose size or count is filled in when it is known: 32 bits each.
enum class WideTag : unsigned char { str = 0xdb, array = 0xdd, map = 0xdf };

class Handler {
 public:
  // Demanded by basic_parser. Sizes are bounded by the text, which is bounded below.
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_array_begin(ErrorCode& ec) { return open(WideTag::array, ec); }
  bool on_array_end(std::size_t count, ErrorCode&) { return close(count); }
  bool on_object_begin(ErrorCode& ec) { return open(WideTag::map, ec); }
  bool on_object_end(std::size_t count, ErrorCode&) { return close(count); }
  bool on_key_part(json::string_view part, std::size_t, ErrorCode&) { return string_part(part); }
  bool on_key(json::string_view part, std::size_t size, ErrorCode&) { return string(part, size); }
  bool on_string_part(json::string_view part, std::size_t, ErrorCode&) { return string_part(part); }
  bool on_string(json::string_view part, std::size_t size, ErrorCode&) {
    return string(part, size);
  }
  bool on_number_part(json::string_view part, ErrorCode&);
  bool on_int64(std::int64_t value, json::string_view, ErrorCode&);
  bool on_uint64(std::uint64_t value, json::string_view, ErrorCode&);
  bool on_double(double value, json::string_view digits, ErrorCode& ec);
  bool on_bool(bool value, ErrorCode&);
  bool on_null(ErrorCode&);
  bool on_comment_part(json::string_view, ErrorCode&) { return true; }
  bool on_comment(json::string_view, ErrorCode&) { return true; }

  Payload take() { return out_.take(); }
  /// Why it refused what the parser took, if it did.
  const std::string& refusal() const noexcept { return refusal_; }

 private:
  bool refuse(std::string why, ErrorCode& ec);
  bool open(WideTag tag, ErrorCode& ec);
  bool close(std::size_t count);
  bool string_part(json::string_view part);
  bool string(json::string_view part, std::size_t size);
  std::size_t write_wide_header(WideTag tag);
  void fill_in(std::size_t header, std::size_t value);

  static constexpr std::size_t header_bytes_max = 9;

  OutputBuffer out_;
  std::array<std::size_t, detail::nesting_max> headers_{};  // offsets of the open containers
  std::size_t depth_ = 0;
  std::size_t string_header_ = 0;
  bool in_string_ = false;
  std::string number_;
  std::string refusal_;
};

bool Handler::refuse(std::string why, ErrorCode& ec) {
  refusal_ = std::move(why);
  ec = make_error_code(Errc::undecodable);
  return false;
}

std::size_t Handler::write_wide_header(WideTag tag) {
  const std::size_t header = out_.size();
  char* at = mp_store_u8(out_.room(header_bytes_max), static_cast<std::uint8_t>(tag));
  out_.commit(mp_store_u32(at, 0));
  return header;
}

void Handler::fill_in(std::size_t header, std::size_t value) {
  mp_store_u32(out_.begin() + header + 1, static_cast<std::uint32_t>(value));
}

bool Handler::open(WideTag tag, ErrorCode& ec) {
  if (depth_ == detail::nesting_max) {
    return refuse("arrays and maps nest deeper than the limit of " +
                      std::to_string(detail::nesting_max) + " levels",
                  ec);
  }
  headers_[depth_++] = write_wide_header(tag);
  return true;
}

bool Handler::close(std::size_t count) {
  fill_in(headers_[--depth_], count);
  return true;
}

bool Handler::string_part(json::string_view part) {
  if (!in_string_) string_header_ = write_wide_header(WideTag::str);
  in_string_ = true;
  out_.append(std::string_view(part.data(), part.size()));
  return true;
}

bool Handler::string(json::string_view part, std::size_t size) {
  string_part(part);
  fill_in(string_header_, size);
  in_string_ = false;
  return true;
}

bool Handler::on_number_part(json::string_view part, ErrorCode&) {
  number_.append(part.data(), part.size());
  return true;
}

bool Handler::on_int64(std::int64_t value, json::string_view, ErrorCode&) {
  number_.clear();
  char* at = out_.room(header_bytes_max);
  out_.commit(value < 0 ? mp_encode_int(at, value)
                        : mp_encode_uint(at, static_cast<std::uint64_t>(value)));
  return true;
}

bool Handler::on_uint64(std::uint64_t value, json::string_view, ErrorCode&) {
  number_.clear();
  out_.commit(mp_encode_uint(out_.room(header_bytes_max), value));
  return true;
}

bool Handler::on_double(double value, json::string_view digits, ErrorCode& ec) {
  number_.append(digits.data(), digits.size());
  double exact = 0;
  const auto [end, errc] = std::from_chars(number_.data(), number_.data() + number_.size(), exact);
  if (errc == std::errc::result_out_of_range) {
    if (std::fabs(value) > 1)
      return refuse("the number " + detail::quoted(number_) + " does not fit double", ec);
    exact = 0;  // too small to tell from zero
  }
  number_.clear();
  out_.commit(mp_encode_double(out_.room(header_bytes_max), exact));
  return true;
}

bool Handler::on_bool(bool value, ErrorCode&) {
  out_.commit(mp_encode_bool(out_.room(header_bytes_max), value));
  return true;
}

bool Handler::on_null(ErrorCode&) {
  out_.commit(mp_encode_nil(out_.room(header_bytes_max)));
  return true;
}

json::parse_options parse_options() {
  json::parse_options options;
  options.max_depth = detail::nesting_max + 1;  // the handler refuses first, with its own text
  return options;
}

/// " at offset N", found by parsing once more byte by byte, as the parser does not tell. Not worth
/// it for a long text, which an attacker may have chosen.
std::string where_parsing_fails(std::string_view text) {
  constexpr std::size_t searched_bytes_max = 64 * 1024;
  if (text.size() > searched_bytes_max) return {};
  json::basic_parser<Handler> parser(parse_options());
  for (std::size_t offset = 0; offset < text.size(); ++offset) {
    ErrorCode ec;
    parser.write_some(true, text.data() + offset, 1, ec);
    if (ec) return " at offset " + std::to_string(offset);
  }
  return " at the end";
}

}  // namespace

Result<Payload> json_to_msgpack(BytesView text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    return Error(Errc::undecodable, "JSON of " + std::to_string(text.size()) +
                                        " bytes is above the limit of 4294967295");
  }
  json::basic_parser<Handler> parser(parse_options());
  ErrorCode ec;
  const std::size_t used =
      parser.write_some(false, reinterpret_cast<const char*>(text.data()), text.size(), ec);
  if (!parser.handler().refusal().empty()) {
    return Error(Errc::undecodable, parser.handler().refusal());
  }
  if (ec) {
    return Error(Errc::undecodable,
                 "not valid JSON: " + ec.message() + where_parsing_fails(as_text(text)));
  }
  if (used < text.size()) {
    return Error(Errc::undecodable,
                 "bytes follow after the JSON value, which ends at offset " + std::to_string(used));
  }
  return parser.handler().take();
}

}  // namespace trestle::codec
