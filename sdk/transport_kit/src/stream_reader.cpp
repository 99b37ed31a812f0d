// Decoding packets from a byte stream.
#include <trestle/transport_kit/stream_reader.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// Read together with the end of a large packet.
constexpr std::size_t tail_bytes_max = 8 * 1024;

/// The first bytes of a foreign protocol as a person recognises them: "GET ", \x16\x03.
std::string printable(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    if (value >= 0x20 && value < 0x7f) {
      out += static_cast<char>(value);
    } else {
      out += {'\\', 'x', digits[value >> 4], digits[value & 15]};
    }
  }
  return out;
}

}  // namespace

StreamReader::StreamReader(ReadBuffer& shared, ReceivePool& pool, std::uint64_t packet_bytes_max)
    : shared_(shared),
      pool_(pool),
      packet_bytes_max_(std::min(packet_bytes_max, framed_packet_bytes_max)) {}

StreamReader::Step StreamReader::next() {
  if (error_.code != TT_OK) return {Outcome::failed, {}, nullptr};
  if (large_ != nullptr) return finish_large();
  if (!preamble_matches()) return refuse_foreign_peer();
  if (input_.size() < sizeof(PacketHeader)) return {Outcome::need_more, {}, nullptr};

  const std::uint32_t length = packet_length(input_.data());
  if (length == goodbye_length) {
    if (input_.size() > sizeof(PacketHeader)) {
      return fail(TT_E_PROTOCOL, "the peer sent bytes after its goodbye");
    }
    return {Outcome::goodbye, {}, nullptr};
  }
  if (length > packet_bytes_max_) {
    return fail(TT_E_TOOBIG, "the peer announced a packet of " + std::to_string(length) +
                                 " bytes; the limit is " + std::to_string(packet_bytes_max_));
  }
  if (length > small_packet_bytes_max) return begin_large(length);
  if (input_.size() < sizeof(PacketHeader) + length) return {Outcome::need_more, {}, nullptr};
  const auto bytes = input_.subspan(sizeof(PacketHeader), length);
  drop(sizeof(PacketHeader) + length);
  return {Outcome::packet, bytes, nullptr};
}

StreamReader::Step StreamReader::fail(tt_status code, std::string text) {
  error_ = sdk::Error(code, std::move(text));
  return {Outcome::failed, {}, nullptr};
}

bool StreamReader::preamble_matches() noexcept {
  while (preamble_seen_ < stream_preamble.size() && !input_.empty()) {
    if (input_.front() != stream_preamble[preamble_seen_]) return false;
    drop(1);
    ++preamble_seen_;
  }
  return true;
}

StreamReader::Step StreamReader::refuse_foreign_peer() {
  constexpr std::size_t shown_max = 16;
  const auto rest = input_.first(std::min(input_.size(), shown_max - preamble_seen_));
  return fail(TT_E_PROTOCOL, "the peer does not speak this protocol: its stream begins with \"" +
                                 printable(std::span(stream_preamble).first(preamble_seen_)) +
                                 printable(rest) + "\"");
}

StreamReader::Step StreamReader::begin_large(std::size_t length) {
  large_ = pool_.take(length);
  if (large_ == nullptr) {
    return fail(TT_E_NOMEM, "no memory for a packet of " + std::to_string(length) + " bytes");
  }
  drop(sizeof(PacketHeader));
  large_filled_ = std::min(input_.size(), length);
  std::memcpy(large_->bytes().data(), input_.data(), large_filled_);
  drop(large_filled_);
  return finish_large();
}

StreamReader::Step StreamReader::finish_large() noexcept {
  if (large_filled_ < large_->bytes().size()) return {Outcome::need_more, {}, nullptr};
  const std::span<const std::byte> bytes = large_->bytes();
  return {Outcome::packet, bytes, std::move(large_)};
}

std::array<std::span<std::byte>, 2> StreamReader::space() {
  std::span<std::byte> room = shared_.room();
  if (large_ != nullptr) {
    // What follows may be the start of another large one, which would have to be moved.
    return {large_->bytes().subspan(large_filled_),
            room.first(std::min(room.size(), tail_bytes_max))};
  }
  const bool continues = input_.data() + input_.size() == room.data();
  const std::size_t available = room.size() + (continues ? input_.size() : 0);
  if (available < sizeof(PacketHeader) + small_packet_bytes_max) return {};
  if (!input_.empty() && !continues) {
    // The rest of a small packet: cheaper to move than to keep apart from what follows.
    std::memcpy(room.data(), input_.data(), input_.size());
    shared_.take(input_.size());
    input_ = room.first(input_.size());
    room = shared_.room();
  }
  return {room, {}};
}

void StreamReader::commit(std::size_t count) noexcept {
  if (large_ != nullptr) {
    const std::size_t taken = std::min(count, large_->bytes().size() - large_filled_);
    large_filled_ += taken;
    count -= taken;
  }
  if (count == 0) return;
  const std::span<std::byte> added = shared_.room().first(count);
  input_ = input_.empty() ? added : std::span(input_.data(), input_.size() + count);
  shared_.take(count);
}

void StreamReader::settle() {
  const bool in_rest = rest_.memory != nullptr && input_.data() >= rest_.memory.get() &&
                       input_.data() < rest_.memory.get() + rest_.capacity;
  if (!input_.empty() && in_rest) return;
  if (rest_.memory != nullptr) shared_.retire(std::exchange(rest_, Rest()));
  if (input_.empty()) {
    input_ = {};
    return;
  }
  rest_ = shared_.borrow(input_.size());
  std::memcpy(rest_.memory.get(), input_.data(), input_.size());
  input_ = {rest_.memory.get(), input_.size()};
}

}  // namespace trestle::transport_kit
