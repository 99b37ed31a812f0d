// Writes values as MessagePack.
#pragma once

#include <trestle/detail/writer.hpp>

#include "codec/output_buffer.hpp"

namespace trestle::codec {

/// Each value in its shortest form.
class MsgpackWriter final : public detail::Writer {
 public:
  bool null() override;
  bool boolean(bool value) override;
  bool signed_integer(std::int64_t value) override;
  bool unsigned_integer(std::uint64_t value) override;
  bool single_float(float value) override;
  bool double_float(double value) override;
  bool text(std::string_view value) override;
  bool bytes(BytesView value) override;
  bool key(std::string_view name) override { return text(name); }

  Payload take() { return out_.take(); }

 private:
  bool open_array(std::size_t count) override;
  bool open_map(std::size_t count) override;
  bool close_array() override { return true; }
  bool close_map() override { return true; }
  bool fits(std::size_t size, std::string_view what);

  OutputBuffer out_;
};

}  // namespace trestle::codec
