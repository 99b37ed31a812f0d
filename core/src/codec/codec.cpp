// Chooses the writer or reader of a codec, and runs the walk over the value.
#include <trestle/codec.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json_to_msgpack.hpp"
#include "codec/json_writer.hpp"
#include "codec/msgpack_check.hpp"
#include "codec/msgpack_writer.hpp"

namespace trestle {
namespace {

std::string takes_typed_codecs(Codec codec) {
  const std::string name =
      codec == Codec::bytes ? "bytes" : "codec " + std::to_string(static_cast<unsigned>(codec));
  return "a typed value travels as msgpack or json, not as " + name;
}

/// A document that Reader can walk.
struct Document {
  Payload bytes;
  detail::BytesForm form = detail::BytesForm::binary;
};

/// Checks `bytes`, and rewrites them if they are JSON. A MessagePack document borrows `bytes`.
Result<Document> open_document(Codec codec, BytesView bytes) {
  static constexpr std::byte null[]{std::byte{0xc0}};
  if (bytes.empty()) return Document{Payload::borrow(null)};
  if (codec == Codec::json) {
    auto rewritten = codec::json_to_msgpack(bytes);
    if (!rewritten) return std::move(rewritten).error();
    return Document{std::move(*rewritten), detail::BytesForm::base64_text};
  }
  if (codec != Codec::msgpack) return Error(Errc::undecodable, takes_typed_codecs(codec));
  if (auto fault = codec::check_msgpack(bytes)) {
    return Error(Errc::undecodable, "not valid MessagePack: " + *fault);
  }
  return Document{Payload::borrow(bytes)};
}

template <class Format, class Write>
Result<Payload> write_with(const Write& write) {
  Format writer;
  if (write(writer)) return writer.take();
  return Error(Errc::encode_failed, writer.failure().text());
}

template <class Write>
Result<Payload> write_as(Codec codec, const Write& write) {
  if (codec == Codec::msgpack) return write_with<codec::MsgpackWriter>(write);
  if (codec == Codec::json) return write_with<codec::JsonWriter>(write);
  return Error(Errc::encode_failed, takes_typed_codecs(codec));
}

bool copy_value(detail::Reader& from, detail::Writer& to);

bool copy_array(detail::Reader& from, detail::Writer& to) {
  const std::size_t count = *from.begin_array();
  if (!to.begin_array(count)) return false;
  for (std::size_t index = 0; index < count; ++index) {
    if (!copy_value(from, to)) return to.failure().in_element(index);
  }
  return to.end_array();
}

bool copy_map(detail::Reader& from, detail::Writer& to) {
  const std::size_t count = *from.begin_map();
  if (!to.begin_map(count)) return false;
  std::vector<std::string_view> keys;
  for (std::size_t index = 0; index < count; ++index) {
    const auto key = from.read_key();
    if (!key) return to.failure().because(from.failure().text());
    keys.push_back(*key);
    if (!to.key(*key) || !copy_value(from, to)) return to.failure().in_member(*key);
  }
  // Sorted rather than hashed: it takes little memory, and no peer can choose keys that collide.
  std::ranges::sort(keys);
  const auto twin = std::ranges::adjacent_find(keys);
  if (twin != keys.end()) {
    return to.failure().because("key " + detail::quoted(*twin) + " appears twice");
  }
  return to.end_map();
}

bool copy_integer(detail::Reader& from, detail::Writer& to) {
  if (from.is_negative()) {
    return to.signed_integer(*from.read_signed(detail::integer_type<std::int64_t>()));
  }
  return to.unsigned_integer(*from.read_unsigned(detail::integer_type<std::uint64_t>()));
}

/// Recurses as deep as the document nests, which was checked against nesting_max.
bool copy_value(detail::Reader& from, detail::Writer& to) {
  switch (from.kind()) {
    case detail::ValueKind::null:
      return from.take_null() && to.null();
    case detail::ValueKind::boolean:
      return to.boolean(*from.read_boolean());
    case detail::ValueKind::integer:
      return copy_integer(from, to);
    case detail::ValueKind::single_float:
      return to.single_float(*from.read_float());
    case detail::ValueKind::double_float:
      return to.double_float(*from.read_double());
    case detail::ValueKind::text:
      return to.text(*from.read_text());
    case detail::ValueKind::bytes:
      return to.bytes(*from.read_bytes());
    case detail::ValueKind::array:
      return copy_array(from, to);
    case detail::ValueKind::map:
      return copy_map(from, to);
    case detail::ValueKind::extension:
      break;
  }
  return to.failure().because("a MessagePack extension has no form in another codec");
}

}  // namespace

namespace detail {

Result<Payload> encode_erased(Codec codec, const void* value,
                              bool (*write)(Writer& writer, const void* value)) {
  return write_as(codec, [&](Writer& writer) { return write(writer, value); });
}

std::optional<Error> decode_erased(Codec codec, BytesView bytes, void* into,
                                   bool (*read)(Reader& reader, void* into)) {
  const auto document = open_document(codec, bytes);
  if (!document) return document.error();
  Reader reader(document->bytes.view(), document->form);
  if (read(reader, into)) return std::nullopt;
  std::string text = reader.failure().text();
  if (bytes.empty()) text += " (the payload is empty)";
  return Error(Errc::undecodable, std::move(text));
}

}  // namespace detail

Result<Payload> transcode(Codec from, Codec to, BytesView bytes) {
  if (from == Codec::bytes || to == Codec::bytes) {
    return Error(Errc::invalid_argument, "bytes have no structure to transcode from or to");
  }
  const auto document = open_document(from, bytes);
  if (!document) return document.error();
  detail::Reader reader(document->bytes.view(), detail::BytesForm::binary);
  return write_as(to, [&](detail::Writer& writer) { return copy_value(reader, writer); });
}

}  // namespace trestle
