// Reads the options of a URI, or of a transport, into variables; refuses what it does not know.
#pragma once

#include <trestle/sdk/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::transport_kit {

/// Declare each known key with the variable it sets, then apply one or more sets of options.
/// Lifetime: the variables outlive the reader. After an error their values mean nothing.
class OptionReader {
 public:
  OptionReader& duration(std::string key, std::chrono::nanoseconds& target);  ///< "5ms"
  OptionReader& bytes(std::string key, std::uint64_t& target);                ///< "64KiB"
  OptionReader& on_off(std::string key, bool& target);                        ///< "on", "off"
  OptionReader& text(std::string key, std::string& target);                   ///< as it is
  /// A whole number without a unit, within the bounds.
  OptionReader& number(std::string key, std::int64_t least, std::int64_t most,
                       std::int64_t& target);
  /// One of `values`; `target` becomes its position.
  OptionReader& choice(std::string key, std::vector<std::string> values, std::size_t& target);

  /// Errors: TT_E_ADDR: an unknown key, with the known ones listed, or a bad value, with its key.
  sdk::Result<> apply(const std::map<std::string, std::string>& options) const;
  /// The same for options as the host gives them.
  sdk::Result<> apply(std::span<const tt_kv> options) const;

 private:
  using Setter = std::function<sdk::Result<>(std::string_view)>;

  sdk::Result<> set(std::string_view key, std::string_view value) const;
  template <class Value, class Target>
  OptionReader& add(std::string key, sdk::Result<Value> (*parse)(std::string_view), Target& target);

  std::map<std::string, Setter, std::less<>> setters_;
};

}  // namespace trestle::transport_kit
