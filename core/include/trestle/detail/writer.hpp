// What a codec must be able to write; the formats behind it are compiled in core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <trestle/detail/codec_failure.hpp>
#include <trestle/export.hpp>
#include <trestle/payload.hpp>

namespace trestle::detail {

/// How deep arrays and maps may nest, in every codec and both ways.
inline constexpr std::size_t nesting_max = 32;

/// Writes one value, depth first: each array or map is begun with its count, then holds that many
/// elements, or keys each followed by a value, then is ended. Every function returns false once it
/// failed; `failure()` says why, and nothing may be written afterwards.
class TRESTLE_EXPORT Writer {
 public:
  virtual ~Writer() = default;

  virtual bool null() = 0;
  virtual bool boolean(bool value) = 0;
  virtual bool signed_integer(std::int64_t value) = 0;
  virtual bool unsigned_integer(std::uint64_t value) = 0;
  virtual bool single_float(float value) = 0;
  virtual bool double_float(double value) = 0;
  virtual bool text(std::string_view value) = 0;
  virtual bool bytes(BytesView value) = 0;
  virtual bool key(std::string_view name) = 0;

  bool begin_array(std::size_t count) { return descend() && open_array(count); }
  bool begin_map(std::size_t count) { return descend() && open_map(count); }
  bool end_array() { return --depth_, close_array(); }
  bool end_map() { return --depth_, close_map(); }

  CodecFailure& failure() noexcept { return failure_; }

 protected:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  virtual bool open_array(std::size_t count) = 0;
  virtual bool open_map(std::size_t count) = 0;
  virtual bool close_array() = 0;
  virtual bool close_map() = 0;

  std::size_t depth() const noexcept { return depth_; }

 private:
  bool descend();

  std::size_t depth_ = 0;
  CodecFailure failure_;
};

}  // namespace trestle::detail
