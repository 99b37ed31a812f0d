// Writing addresses of nodes down, and reading them back.
#include "peers/sealed_address.hpp"

#include <trestle/peer_info.hpp>

#include <algorithm>
#include <boost/algorithm/hex.hpp>
#include <boost/crc.hpp>
#include <iterator>

namespace trestle::peers {
namespace {

constexpr std::size_t checksum_bytes = 4;
// Of a text that is refused, so much is shown.
constexpr std::size_t shown_bytes = 24;

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

Error unreadable(const Seal& seal, const std::string& why) {
  return Error(Errc::invalid_argument, "cannot read this " + std::string(seal.what) + ": " + why);
}

unsigned char byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

}  // namespace

void SealedWriter::put_16(std::size_t value) {
  bytes_ += static_cast<char>(value & 0xFF);
  bytes_ += static_cast<char>(value >> 8 & 0xFF);
}

void SealedWriter::put(const std::vector<std::string>& texts) {
  // What exceeds the limits could not be read back: the first ones are what there is room for.
  std::vector<std::string_view> fitting;
  for (const std::string& text : texts) {
    if (text.size() > WorkerAddress::endpoint_bytes_max) continue;
    if (fitting.size() < WorkerAddress::endpoints_max) fitting.push_back(text);
  }
  put_16(fitting.size());
  for (const std::string_view text : fitting) {
    put_16(text.size());
    bytes_ += text;
  }
}

std::string SealedWriter::finish() && {
  std::uint32_t sum = checksum(bytes_);
  for (std::size_t i = 0; i < checksum_bytes; ++i, sum >>= 8) {
    bytes_ += static_cast<char>(sum & 0xFF);
  }
  return std::move(bytes_);
}

Result<SealedReader> SealedReader::open(const Seal& seal, BytesView bytes) {
  const std::string_view all = as_text(bytes);
  if (!all.starts_with(seal.mark)) {
    return unreadable(seal, "it does not begin with '" + std::string(seal.mark) + "'");
  }
  if (all.size() < seal.mark.size() + checksum_bytes) {
    return unreadable(
        seal, "it has " + std::to_string(all.size()) + " bytes, which is too few for a checksum");
  }
  const std::string_view sealed = all.substr(0, all.size() - checksum_bytes);
  std::uint32_t stated = 0;
  for (std::size_t i = 0; i < checksum_bytes; ++i) {
    stated |= static_cast<std::uint32_t>(byte_at(all, sealed.size() + i)) << (8 * i);
  }
  if (stated != checksum(sealed)) {
    return unreadable(seal, "its checksum does not fit: it was cut short or changed");
  }
  return SealedReader(seal, sealed.substr(seal.mark.size()));
}

Error SealedReader::fault(const std::string& what) const {
  return unreadable(*seal_, what);
}

Result<std::string_view> SealedReader::take(std::size_t size) {
  if (rest_.size() < size) {
    return fault("it ends where " + std::to_string(size - rest_.size()) + " more bytes should be");
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

Result<std::size_t> SealedReader::take_16() {
  const auto bytes = take(2);
  if (bytes.has_error()) return bytes.error();
  return std::size_t{byte_at(*bytes, 0)} | std::size_t{byte_at(*bytes, 1)} << 8;
}

Result<std::array<std::uint8_t, 16>> SealedReader::take_id() {
  std::array<std::uint8_t, 16> id{};
  const auto bytes = take(id.size());
  if (bytes.has_error()) return bytes.error();
  std::copy(bytes->begin(), bytes->end(), id.begin());
  return id;
}

Result<std::vector<std::string>> SealedReader::take_texts() {
  const auto count = take_16();
  if (count.has_error()) return count.error();
  if (*count > WorkerAddress::endpoints_max) {
    return fault("it has " + std::to_string(*count) + " endpoints, the limit is " +
                 std::to_string(WorkerAddress::endpoints_max));
  }
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto size = take_16();
    if (size.has_error()) return size.error();
    if (*size > WorkerAddress::endpoint_bytes_max) {
      return fault("endpoint " + std::to_string(i + 1) + " has " + std::to_string(*size) +
                   " bytes, the limit is " + std::to_string(WorkerAddress::endpoint_bytes_max));
    }
    const auto text = take(*size);
    if (text.has_error()) return text.error();
    texts.emplace_back(*text);
  }
  return texts;
}

Result<void> SealedReader::finish() const {
  if (rest_.empty()) return {};
  return fault("there are " + std::to_string(rest_.size()) + " bytes behind its end");
}

std::string sealed_text(const Seal& seal, const std::string& bytes) {
  std::string text(seal.word);
  boost::algorithm::hex_lower(bytes, std::back_inserter(text));
  return text;
}

Result<std::string> sealed_bytes(const Seal& seal, std::string_view text) {
  if (!text.starts_with(seal.word)) {
    return unreadable(seal, "'" + std::string(text.substr(0, shown_bytes)) +
                                "' does not begin with '" + std::string(seal.word) + "'");
  }
  const std::string_view digits = text.substr(seal.word.size());
  std::string bytes;
  try {
    boost::algorithm::unhex(digits, std::back_inserter(bytes));
  } catch (const boost::algorithm::hex_decode_error&) {
    return unreadable(
        seal, "what follows '" + std::string(seal.word) + "' is not pairs of hexadecimal digits");
  }
  return bytes;
}

}  // namespace trestle::peers
