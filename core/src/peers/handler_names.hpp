// Handler names travel once per connection; afterwards a number stands for them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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

  /// How the next request to that handler names it. `name` must outlive the result.
  Naming name(std::string_view name) {
    if (const auto found = numbers_.find(name); found != numbers_.end()) {
      return {found->second, {}};
    }
    if (numbers_.size() >= handler_numbers_max) return {0, name};
    const auto number = static_cast<std::uint32_t>(numbers_.size() + 1);
    numbers_.emplace(name, number);
    return {number, name};
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
};

/// The receiver's side: remembers what numbers mean.
class NamesReceived {
 public:
  /// The handler's name; empty if the peer broke the rules: a number that it never introduced,
  /// introduced out of order, or above the limit.
  std::string_view resolve(std::uint32_t number, std::string_view name) {
    if (number == 0) return name;
    if (name.empty()) return number <= names_.size() ? names_[number - 1] : std::string_view();
    if (number != names_.size() + 1 || number > handler_numbers_max) return {};
    return names_.emplace_back(name);
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace trestle::peers
