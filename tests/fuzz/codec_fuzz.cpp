// Fuzzes decode and transcode: no input may crash them, and what they accept must come back the
// same.
#include <cstdlib>

#include "sample_types.hpp"

namespace {

using namespace trestle;

void demand(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void settle_order(T&) {}
/// The order of a hash map is not part of the value.
void settle_order(codec_test::Everything& value) {
  if (value.counts.size() > 1) value.counts.clear();
}

/// What decodes must encode, and decode again to bytes that encode the same.
template <class T>
void decode_and_repeat(Codec codec, BytesView bytes) {
  auto value = decode<T>(codec, bytes);
  if (!value) return;
  settle_order(*value);
  const auto first = encode(Codec::msgpack, *value);
  demand(first.has_value());
  const auto again = decode<T>(Codec::msgpack, first->view());
  demand(again.has_value());
  demand(encode(Codec::msgpack, *again)->text() == first->text());
}

void transcode_and_back(Codec from, Codec to, BytesView bytes) {
  const auto there = transcode(from, to, bytes);
  if (!there) return;
  const auto back = transcode(to, from, there->view());
  demand(back.has_value());
  const auto there_again = transcode(from, to, back->view());
  demand(there_again.has_value());
  demand(there_again->text() == there->text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Codec codec = data[0] % 2 == 0 ? Codec::msgpack : Codec::json;
  const Codec other = codec == Codec::json ? Codec::msgpack : Codec::json;
  const BytesView bytes = std::as_bytes(std::span(data + 1, size - 1));
  decode_and_repeat<codec_test::Everything>(codec, bytes);
  decode_and_repeat<codec_test::Shape>(codec, bytes);
  decode_and_repeat<codec_test::Tree>(codec, bytes);
  decode_and_repeat<std::map<std::string, std::vector<float>>>(codec, bytes);
  transcode_and_back(codec, other, bytes);
  return 0;
}
