// How addresses of nodes are written down: a mark, what they hold, a checksum.
#pragma once

#include <trestle/error.hpp>
#include <trestle/payload.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::peers {

/// What may be written down, and how it is recognised.
struct Seal {
  std::string_view what;  ///< for texts of errors
  std::string_view mark;  ///< first four bytes
  std::string_view word;  ///< before the hexadecimal digits of the text
};

inline constexpr Seal address_seal{"address", "TrA1", "trestle-address-"};
inline constexpr Seal peer_seal{"peer", "TrP1", "trestle-peer-"};

/// Writes what a seal closes.
/// Layout: mark, parts, checksum (CRC-32 of all before it); integers little-endian.
class SealedWriter {
 public:
  explicit SealedWriter(const Seal& seal) : bytes_(seal.mark) {}

  void put(const std::array<std::uint8_t, 16>& id) { bytes_.append(id.begin(), id.end()); }
  /// Layout: a count, then for each its length and itself; 16 bits each.
  void put(const std::vector<std::string>& texts);
  std::string finish() &&;

 private:
  void put_16(std::size_t value);

  std::string bytes_;
};

/// Reads it, after the seal was seen to be whole.
class SealedReader {
 public:
  /// Errors: invalid_argument.
  static Result<SealedReader> open(const Seal& seal, BytesView bytes);

  /// Errors: invalid_argument: there is less.
  Result<std::array<std::uint8_t, 16>> take_id();
  /// Errors: invalid_argument: there is less, or more than one may hold.
  Result<std::vector<std::string>> take_texts();
  /// Errors: invalid_argument: there is more.
  Result<void> finish() const;

 private:
  SealedReader(const Seal& seal, std::string_view rest) : seal_(&seal), rest_(rest) {}

  Error fault(const std::string& what) const;
  Result<std::string_view> take(std::size_t size);
  Result<std::size_t> take_16();

  const Seal* seal_;
  std::string_view rest_;
};

/// Bytes as one word, and back.
std::string sealed_text(const Seal& seal, const std::string& bytes);
/// Errors: invalid_argument.
Result<std::string> sealed_bytes(const Seal& seal, std::string_view text);

}  // namespace trestle::peers
