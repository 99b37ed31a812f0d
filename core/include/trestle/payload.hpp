// The bytes of a message: one move-only type, whoever owns the memory.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <trestle/export.hpp>

namespace trestle {
/// @cond
namespace detail {

struct PayloadBlock {
  std::byte* bytes;
  void (*release)(void* bytes) noexcept;
};
/// `size` is at least 1. Blocks up to 64 KiB are recycled, each thread has some of its own.
TRESTLE_EXPORT PayloadBlock allocate_payload(std::size_t size);

}  // namespace detail
/// @endcond

/// A view of message bytes.
using BytesView = std::span<const std::byte>;

/// The bytes of a text.
inline BytesView as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
/// The same bytes as a text, whatever they are.
inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Owns message bytes, or co-owns a buffer that a transport lent. Move-only.
/// Threads: distinct objects safe; released on any, never with a lock of a node held.
class Payload {
 public:
  /// Gives memory back; `owner` is what was passed with it.
  using Release = void (*)(void* owner) noexcept;

  Payload() noexcept = default;

  /// A copy of `bytes`.
  static Payload copy(BytesView bytes) {
    if (bytes.empty()) return {};
    const detail::PayloadBlock block = detail::allocate_payload(bytes.size());
    std::memcpy(block.bytes, bytes.data(), bytes.size());
    return Payload(BytesView(block.bytes, bytes.size()), block.release, block.bytes);
  }
  /// A copy of the bytes of `text`.
  static Payload copy(std::string_view text) { return copy(as_bytes(text)); }

  /// Takes over an array.
  static Payload take(std::unique_ptr<std::byte[]> buffer, std::size_t size) noexcept {
    std::byte* raw = buffer.release();
    return Payload(
        BytesView(raw, size), [](void* p) noexcept { delete[] static_cast<std::byte*>(p); }, raw);
  }

  /// Wraps bytes that stay valid until `release(owner)`.
  static Payload lend(BytesView bytes, Release release, void* owner) noexcept {
    Payload payload(bytes, release, owner);
    payload.size_ |= lent_bit;
    return payload;
  }

  /// Wraps bytes that outlive every use of the payload; the caller vouches for it.
  static Payload borrow(BytesView bytes) noexcept { return Payload(bytes, nullptr, nullptr); }

  /// Empties the other.
  Payload(Payload&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        release_(std::exchange(other.release_, nullptr)),
        owner_(std::exchange(other.owner_, nullptr)) {}
  /// Gives back what it had, and empties the other.
  Payload& operator=(Payload&& other) noexcept {
    if (this == &other) return *this;
    const Release release = release_;
    void* const owner = owner_;
    bytes_ = std::exchange(other.bytes_, nullptr);
    size_ = std::exchange(other.size_, 0);
    release_ = std::exchange(other.release_, nullptr);
    owner_ = std::exchange(other.owner_, nullptr);
    if (release != nullptr) release(owner);
    return *this;
  }
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  ~Payload() {
    if (release_ != nullptr) release_(owner_);
  }

  /// All bytes. Lifetime: until the payload is moved from or ends.
  BytesView view() const noexcept { return {bytes_, size()}; }
  /// The same as a text.
  std::string_view text() const noexcept { return as_text(view()); }
  /// The first byte; null if it is empty and owns nothing.
  const std::byte* data() const noexcept { return bytes_; }
  /// In bytes.
  std::size_t size() const noexcept { return size_ & ~lent_bit; }
  /// Whether it has no bytes.
  bool empty() const noexcept { return size() == 0; }
  /// True if it was made by borrow(): it does not own its bytes.
  bool is_borrowed() const noexcept { return release_ == nullptr && !empty(); }
  /// True if it was made by lend(): what gives it back is somebody else's code.
  bool is_lent() const noexcept { return (size_ & lent_bit) != 0; }

  /// Exchanges the bytes of two payloads; copies none.
  void swap(Payload& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(release_, other.release_);
    std::swap(owner_, other.owner_);
    std::swap(size_, other.size_);
  }

 private:
  friend class PayloadDraft;

  Payload(BytesView bytes, Release release, void* owner) noexcept
      : bytes_(bytes.data()), size_(bytes.size()), release_(release), owner_(owner) {}

  /// Of `size_`: made by lend(). A payload is moved a dozen times on its way, so it stays small.
  static constexpr std::size_t lent_bit = ~(~std::size_t{0} >> 1);

  const std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
  Release release_ = nullptr;
  void* owner_ = nullptr;
};

/// A payload that is written in place.
class PayloadDraft {
 public:
  PayloadDraft() noexcept = default;
  /// Room for `capacity` bytes, unset.
  explicit PayloadDraft(std::size_t capacity) {
    if (capacity == 0) return;
    const detail::PayloadBlock block = detail::allocate_payload(capacity);
    room_ = Payload(BytesView(block.bytes, capacity), block.release, block.bytes);
  }

  /// Where to write.
  std::byte* data() noexcept { return static_cast<std::byte*>(room_.owner_); }
  /// How much may be written, in bytes.
  std::size_t capacity() const noexcept { return room_.size(); }

  /// The payload: the first `size` bytes of the room. The draft is empty afterwards.
  Payload finish(std::size_t size) noexcept {
    room_.size_ = size;
    return std::move(room_);
  }

 private:
  Payload room_;
};

}  // namespace trestle
