// Writes values as MessagePack, by msgpuck.
#include "codec/msgpack_writer.hpp"

#include <msgpuck.h>

#include <limits>
#include <string>

namespace trestle::codec {
namespace {

constexpr std::size_t header_bytes_max = 9;

}  // namespace

bool MsgpackWriter::null() {
  out_.commit(mp_encode_nil(out_.room(header_bytes_max)));
  return true;
}

bool MsgpackWriter::boolean(bool value) {
  out_.commit(mp_encode_bool(out_.room(header_bytes_max), value));
  return true;
}

bool MsgpackWriter::signed_integer(std::int64_t value) {
  char* at = out_.room(header_bytes_max);
  out_.commit(value < 0 ? mp_encode_int(at, value)
                        : mp_encode_uint(at, static_cast<std::uint64_t>(value)));
  return true;
}

bool MsgpackWriter::unsigned_integer(std::uint64_t value) {
  out_.commit(mp_encode_uint(out_.room(header_bytes_max), value));
  return true;
}

bool MsgpackWriter::single_float(float value) {
  out_.commit(mp_encode_float(out_.room(header_bytes_max), value));
  return true;
}

bool MsgpackWriter::double_float(double value) {
  out_.commit(mp_encode_double(out_.room(header_bytes_max), value));
  return true;
}

bool MsgpackWriter::text(std::string_view value) {
  if (!fits(value.size(), "bytes of text")) return false;
  out_.commit(
      mp_encode_strl(out_.room(header_bytes_max), static_cast<std::uint32_t>(value.size())));
  out_.append(value);
  return true;
}

bool MsgpackWriter::bytes(BytesView value) {
  if (!fits(value.size(), "bytes")) return false;
  out_.commit(
      mp_encode_binl(out_.room(header_bytes_max), static_cast<std::uint32_t>(value.size())));
  out_.append(as_text(value));
  return true;
}

bool MsgpackWriter::open_array(std::size_t count) {
  if (!fits(count, "elements")) return false;
  out_.commit(mp_encode_array(out_.room(header_bytes_max), static_cast<std::uint32_t>(count)));
  return true;
}

bool MsgpackWriter::open_map(std::size_t count) {
  if (!fits(count, "members")) return false;
  out_.commit(mp_encode_map(out_.room(header_bytes_max), static_cast<std::uint32_t>(count)));
  return true;
}

bool MsgpackWriter::fits(std::size_t size, std::string_view what) {
  constexpr std::size_t limit = std::numeric_limits<std::uint32_t>::max();
  if (size <= limit) return true;
  return failure().because(std::to_string(size) + ' ' + std::string(what) +
                           " are above MessagePack's limit of " + std::to_string(limit));
}

}  // namespace trestle::codec
