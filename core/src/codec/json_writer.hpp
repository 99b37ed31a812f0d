// Writes values as JSON text (RFC 8259).
#pragma once

#include <trestle/detail/writer.hpp>

#include <bitset>

#include "codec/output_buffer.hpp"

namespace trestle::codec {

/// Compact: no spaces. Floats in the fewest digits that give the same value back, always with a
/// point or exponent, so that they do not come back as integers.
class JsonWriter final : public detail::Writer {
 public:
  bool null() override { return scalar("null"); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool signed_integer(std::int64_t value) override;
  bool unsigned_integer(std::uint64_t value) override;
  bool single_float(float value) override;
  bool double_float(double value) override;
  bool text(std::string_view value) override;
  bool bytes(BytesView value) override;
  bool key(std::string_view name) override;

  Payload take() { return out_.take(); }

 private:
  bool open_array(std::size_t count) override;
  bool open_map(std::size_t count) override;
  bool close_array() override;
  bool close_map() override;

  bool scalar(std::string_view text);
  template <class T>
  void append_number(T value);
  template <class T>
  bool floating(T value);
  bool string(std::string_view value);
  void separate();

  OutputBuffer out_;
  std::bitset<detail::nesting_max + 1> needs_comma_;  // by depth
};

}  // namespace trestle::codec
