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

StreamReader::StreamReader(ReadBuffer& shared, ReceivePool& pool, std::uint64_t packet_bytes_max,
                           std::function<void()> on_give_up)
    : shared_(shared),
      pool_(pool),
      packet_bytes_max_(std::min(packet_bytes_max, framed_packet_bytes_max)),
      first_packet_bytes_max_(packet_bytes_max_),
      on_give_up_(std::move(on_give_up)) {}

StreamReader::~StreamReader() {
  if (large_ != nullptr) pool_.finish(*this);
}

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
  if (length > limit()) return refuse_length(length);
  if (length > small_packet_bytes_max) return begin_large(length);
  if (input_.size() < sizeof(PacketHeader) + length) return {Outcome::need_more, {}, nullptr};
  const auto bytes = input_.subspan(sizeof(PacketHeader), length);
  ++packets_received_;
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

StreamReader::Step StreamReader::refuse_length(std::size_t length) {
  const bool is_stricter = limit() < packet_bytes_max_;
  return fail(TT_E_TOOBIG, "the peer announced a packet of " + std::to_string(length) +
                               " bytes; the limit is " + std::to_string(limit()) +
                               (is_stricter ? " for the first" : ""));
}

StreamReader::Step StreamReader::begin_large(std::size_t length) {
  large_bytes_ = length;
  large_ = pool_.take_for(*this, std::min(length, proven_bytes_));
  if (large_ == nullptr) return fail_for_memory();
  drop(sizeof(PacketHeader));
  large_filled_ = std::min(input_.size(), large_->bytes().size());
  std::memcpy(large_->bytes().data(), input_.data(), large_filled_);
  drop(large_filled_);
  return finish_large();
}

StreamReader::Step StreamReader::finish_large() {
  if (large_filled_ < large_->bytes().size()) return {Outcome::need_more, {}, nullptr};
  if (large_filled_ < large_bytes_) {
    return grow_large() ? finish_large() : fail_for_memory();
  }
  pool_.finish(*this);
  proven_bytes_ = std::max(proven_bytes_, large_bytes_);
  ++packets_received_;
  const std::span<const std::byte> bytes = large_->bytes();
  return {Outcome::packet, bytes, std::move(large_)};
}

/// Twice the memory: copying costs no more than receiving did.
bool StreamReader::grow_large() {
  auto larger = pool_.take_for(*this, std::min(large_bytes_, 2 * large_filled_));
  if (larger == nullptr) return false;
  std::memcpy(larger->bytes().data(), large_->bytes().data(), large_filled_);
  large_ = std::move(larger);
  const std::size_t more = std::min(input_.size(), large_->bytes().size() - large_filled_);
  std::copy_n(input_.begin(), more,
              large_->bytes().begin() + static_cast<std::ptrdiff_t>(large_filled_));
  drop(more);
  large_filled_ += more;
  return true;
}

StreamReader::Step StreamReader::fail_for_memory() {
  pool_.finish(*this);
  large_ = nullptr;
  return fail(TT_E_NOMEM, "no memory for a packet of " + std::to_string(large_bytes_) +
                              " bytes: packets that have not arrived whole hold " +
                              std::to_string(pool_.unfinished_bytes()) + " bytes, at most " +
                              std::to_string(pool_.unfinished_bytes_max()) + " are allowed");
}

void StreamReader::give_up() noexcept {
  large_ = nullptr;
  fail(TT_E_NOMEM, "a packet of " + std::to_string(large_bytes_) + " bytes, of which " +
                       std::to_string(large_filled_) +
                       " have come, was given up: packets that have not arrived whole held " +
                       std::to_string(pool_.unfinished_bytes_max()) +
                       " bytes or more, and none of them more than this");
  if (on_give_up_) on_give_up_();
}

std::array<std::span<std::byte>, 2> StreamReader::space() {
  std::span<std::byte> room = shared_.room();
  if (large_ != nullptr) {
    const auto rest = large_->bytes().subspan(large_filled_);
    if (large_->bytes().size() < large_bytes_) return {rest, {}};
    // What follows may be the start of another large one, which would have to be moved.
    return {rest, room.first(std::min(room.size(), tail_bytes_max))};
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
  bytes_received_ += count;
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
