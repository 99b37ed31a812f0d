// Reads the values of a document, one after the other, whatever codec it came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <trestle/detail/codec_failure.hpp>
#include <trestle/detail/integer_type.hpp>
#include <trestle/export.hpp>
#include <trestle/payload.hpp>

namespace trestle::detail {

/// What the next value of a document is.
enum class ValueKind : std::uint8_t {
  null,
  boolean,
  integer,
  single_float,
  double_float,
  text,
  bytes,
  array,
  map,
  extension,  ///< a MessagePack extension type, which no C++ type here takes
};

/// How the document carries bytes.
enum class BytesForm : std::uint8_t {
  binary,       ///< as they are (MessagePack bin)
  base64_text,  ///< as base64 in a string (JSON)
};

/// Walks a MessagePack document that was checked before: JSON reaches it rewritten as MessagePack.
/// Each read takes one value if it has the wanted kind; else it returns nothing (or false),
/// `failure()` says why, and nothing may be read afterwards.
class TRESTLE_EXPORT Reader {
 public:
  /// Lifetime: `checked` outlives the reader and passed check_msgpack.
  Reader(BytesView checked, BytesForm form) noexcept;

  ValueKind kind() const noexcept;
  /// Whether the next value, which is an integer, is below zero.
  bool is_negative() const noexcept;
  /// Takes the next value if it is null; otherwise leaves it.
  bool take_null() noexcept;

  bool read_null();
  std::optional<bool> read_boolean();
  std::optional<std::int64_t> read_signed(const IntegerType& type);
  std::optional<std::uint64_t> read_unsigned(const IntegerType& type);
  /// Takes integers too.
  std::optional<double> read_double();
  std::optional<float> read_float();
  /// The view is valid as long as the document.
  std::optional<std::string_view> read_text();
  /// The view is valid until the next read.
  std::optional<BytesView> read_bytes();
  /// The count; that many values follow.
  std::optional<std::size_t> begin_array();
  /// The count; that many pairs of key (read_key) and value follow.
  std::optional<std::size_t> begin_map();
  std::optional<std::string_view> read_key();
  /// Passes over the next value, of any kind, with all inside it.
  void skip() noexcept;

  CodecFailure& failure() noexcept { return failure_; }

 private:
  struct Integer {
    std::uint64_t bits;  // two's complement if negative
    bool is_negative;
  };

  bool expect(ValueKind wanted);
  Integer take_integer() noexcept;
  std::string_view take_text() noexcept;

  const char* at_;
  BytesForm form_;
  std::vector<std::byte> decoded_;
  CodecFailure failure_;
};

}  // namespace trestle::detail
