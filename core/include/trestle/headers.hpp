// What a message carries beside its payload: short texts by name.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <trestle/error.hpp>

namespace trestle {

/// Texts by name, such as a trace id, that travel with a request or a reply. Names are unique and
/// keep the order in which they were set. Without any it costs a null pointer.
/// Limits, checked when a message is sent: names 1 … 255 bytes, values up to 1 KiB, 128 of them,
/// 16 KiB in all with 5 bytes for each header beside its texts. Threads: distinct objects safe.
class TRESTLE_EXPORT Headers {
 public:
  /// A name and its value.
  using Entry = std::pair<std::string, std::string>;

  static constexpr std::size_t name_bytes_max = 255;    ///< the longest name
  static constexpr std::size_t value_bytes_max = 1024;  ///< the longest value
  static constexpr std::size_t count_max = 128;         ///< how many
  static constexpr std::size_t bytes_max = 16 * 1024;   ///< all together, see encoded_bytes()
  /// What each header takes beside its name and its value.
  static constexpr std::size_t overhead_bytes = 5;

  Headers() noexcept = default;
  /// As set() in that order.
  Headers(std::initializer_list<Entry> entries);
  /// A deep copy.
  Headers(const Headers& other);
  /// Empties the other.
  Headers(Headers&&) noexcept = default;
  /// A deep copy.
  Headers& operator=(const Headers& other);
  /// Empties the other.
  Headers& operator=(Headers&&) noexcept = default;
  ~Headers() = default;

  /// Adds a header, or gives another value to the one of that name.
  Headers& set(std::string_view name, std::string_view value);
  /// False: there is none of that name.
  bool erase(std::string_view name);
  /// The value. Lifetime: until a header is set or erased.
  std::optional<std::string_view> get(std::string_view name) const noexcept;

  /// Whether there is none.
  bool empty() const noexcept { return entries_ == nullptr || entries_->empty(); }
  /// How many there are.
  std::size_t size() const noexcept { return entries_ == nullptr ? 0 : entries_->size(); }
  /// Iterates in the order in which they were set.
  const Entry* begin() const noexcept { return entries_ == nullptr ? nullptr : entries_->data(); }
  /// Behind the last.
  const Entry* end() const noexcept { return begin() + size(); }

  /// Bytes in a message.
  std::size_t encoded_bytes() const noexcept;
  /// Errors: invalid_argument naming the header and the limit that it exceeds.
  [[nodiscard]] Result<void> check() const;

  /// Whether names, values and their order are equal.
  friend TRESTLE_EXPORT bool operator==(const Headers& a, const Headers& b) noexcept;

 private:
  /// Not in place: most messages have no headers, and ending one shall cost a comparison.
  struct Drop {
    TRESTLE_EXPORT void operator()(std::vector<Entry>* entries) const noexcept;
  };

  std::unique_ptr<std::vector<Entry>, Drop> entries_;
};

/// A reply together with its headers: what a call may ask for, and a unary handler return.
template <class T>
struct WithHeaders {
  T value;            ///< the reply itself
  Headers headers{};  ///< those that travel with it
};

}  // namespace trestle
