// Collects the bytes of an encoded value: on the stack while it is small, then in one growing
// block.
#pragma once

#include <trestle/payload.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace trestle::codec {

/// Lends room at its end, then takes in what was written there.
class OutputBuffer {
 public:
  OutputBuffer() noexcept {}  // leaves the block on the stack unset
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;

  /// At least `size` bytes to write to, until the next call.
  char* room(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return begin() + size_;
  }
  /// What was written ends here; `end` is within the room lent last.
  void commit(const char* end) noexcept { size_ = static_cast<std::size_t>(end - begin()); }

  void append(std::string_view text) {
    char* at = room(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *room(1) = c;
    ++size_;
  }

  /// The bytes written so far, for corrections in place.
  char* begin() noexcept {
    return on_stack() ? stack_.data() : reinterpret_cast<char*>(heap_.data());
  }
  std::size_t size() const noexcept { return size_; }

  /// Copies what fitted on the stack.
  Payload take() {
    if (on_stack()) return Payload::copy(std::string_view(stack_.data(), size_));
    return heap_.finish(size_);
  }

 private:
  bool on_stack() const noexcept { return capacity_ == stack_bytes; }

  void grow(std::size_t size) {
    const std::size_t capacity = std::max(2 * capacity_, size_ + size);
    PayloadDraft larger(capacity);
    std::memcpy(larger.data(), begin(), size_);
    heap_ = std::move(larger);
    capacity_ = capacity;
  }

  static constexpr std::size_t stack_bytes = 512;

  std::array<char, stack_bytes> stack_;
  PayloadDraft heap_;
  std::size_t capacity_ = stack_bytes;
  std::size_t size_ = 0;
};

}  // namespace trestle::codec
