// Handler names travel once per connection; afterwards a number stands for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace trestle::registry {
struct Entry;
}

namespace trestle::peers {

/// Numbers per direction and connection; further names travel with every request.
inline constexpr std::size_t handler_numbers_max = 4096;

/// The sender's side: gives out numbers.
class NamesSent {
 public:
  struct Naming {
    std::uint32_t number;   ///< 0: none left
    std::string_view name;  ///< empty if the peer knows the number
  };

  NamesSent() = default;
  NamesSent(const NamesSent&) = delete;
  NamesSent& operator=(const NamesSent&) = delete;

  /// How the next request to that handler names it. `name` must outlive the result.
  Naming name(std::string_view name) {
    const Numbered*& recent = recent_[recent_place(name)];
    if (recent != nullptr && recent->first == name) return {recent->second, {}};
    if (const auto found = numbers_.find(name); found != numbers_.end()) {
      recent = &*found;
      return {found->second, {}};
    }
    if (numbers_.size() >= handler_numbers_max) return {0, name};
    const auto number = static_cast<std::uint32_t>(numbers_.size() + 1);
    recent = &*numbers_.emplace(name, number).first;
    return {number, name};
  }

  /// The names by their numbers, from 1. Lifetime: until clear().
  std::vector<std::string_view> in_order() const {
    std::vector<std::string_view> names(numbers_.size());
    for (const auto& [name, number] : numbers_) names[number - 1] = name;
    return names;
  }

  /// The connection has ended: no more names are needed.
  void clear() noexcept {
    numbers_.clear();
    recent_.fill(nullptr);
  }

 private:
  using Numbered = std::pair<const std::string, std::uint32_t>;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  /// Cheaper than a hash, and enough to tell the few names apart that one program uses at a time.
  static std::size_t recent_place(std::string_view name) noexcept {
    if (name.empty()) return 0;
    const auto last = static_cast<unsigned char>(name.back());
    const auto middle = static_cast<unsigned char>(name[name.size() / 2]);
    return (name.size() + 3 * last + 5 * middle) % recent_places;
  }

  static constexpr std::size_t recent_places = 16;

  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
  std::array<const Numbered*, recent_places> recent_{};  // of numbers_, whose elements stay
};

/// A handler as the peer's requests name it.
struct HandlerName {
  std::string name;
  std::shared_ptr<registry::Entry> entry{};  ///< set once somebody registered it
};

/// The receiver's side: remembers what numbers mean.
class NamesReceived {
 public:
  /// What the request is for; null if the peer broke the rules: a number that it never introduced,
  /// introduced out of order, or above the limit. Lifetime: until the next call.
  HandlerName* resolve(std::uint32_t number, std::string_view name) {
    if (number == 0) {
      if (name.empty()) return nullptr;
      unnumbered_ = {.name = std::string(name)};
      return &unnumbered_;
    }
    if (name.empty()) return number <= names_.size() ? &names_[number - 1] : nullptr;
    if (number != names_.size() + 1 || number > handler_numbers_max) return nullptr;
    return &names_.emplace_back(HandlerName{.name = std::string(name)});
  }

  /// The entry that the next name without a number would drop. The leader's work may name it.
  std::shared_ptr<registry::Entry> take_unnumbered() noexcept {
    return std::exchange(unnumbered_.entry, nullptr);
  }

 private:
  std::vector<HandlerName> names_;
  HandlerName unnumbered_;
};

}  // namespace trestle::peers
