// Reading options by key.
#include <trestle/transport_kit/option_reader.hpp>

#include <trestle/sdk/uri.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace trestle::transport_kit {
namespace {

template <class Strings>
std::string listed(const Strings& strings) {
  std::string out;
  for (const auto& text : strings) out += (out.empty() ? "" : ", ") + text;
  return out;
}

sdk::Result<std::string> as_is(std::string_view text) {
  return std::string(text);
}

}  // namespace

template <class Value, class Target>
OptionReader& OptionReader::add(std::string key, sdk::Result<Value> (*parse)(std::string_view),
                                Target& target) {
  setters_.emplace(std::move(key), [parse, &target](std::string_view text) -> sdk::Result<> {
    auto value = parse(text);
    if (value.has_error()) return value.error();
    target = std::move(*value);
    return {};
  });
  return *this;
}

OptionReader& OptionReader::duration(std::string key, std::chrono::nanoseconds& target) {
  return add(std::move(key), &sdk::parse_duration, target);
}

OptionReader& OptionReader::bytes(std::string key, std::uint64_t& target) {
  return add(std::move(key), &sdk::parse_bytes, target);
}

OptionReader& OptionReader::on_off(std::string key, bool& target) {
  return add(std::move(key), &sdk::parse_switch, target);
}

OptionReader& OptionReader::text(std::string key, std::string& target) {
  return add(std::move(key), &as_is, target);
}

OptionReader& OptionReader::number(std::string key, std::int64_t least, std::int64_t most,
                                   std::int64_t& target) {
  auto setter = [least, most, &target](std::string_view text) -> sdk::Result<> {
    std::int64_t read = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (error != std::errc() || end != text.data() + text.size() || read < least || read > most) {
      return sdk::Error(TT_E_ADDR, "\"" + std::string(text) + "\": expected a whole number, " +
                                       std::to_string(least) + " to " + std::to_string(most));
    }
    target = read;
    return {};
  };
  setters_.emplace(std::move(key), std::move(setter));
  return *this;
}

OptionReader& OptionReader::choice(std::string key, std::vector<std::string> values,
                                   std::size_t& target) {
  auto setter = [values = std::move(values), &target](std::string_view text) -> sdk::Result<> {
    const auto found = std::find(values.begin(), values.end(), text);
    if (found == values.end()) {
      return sdk::Error(TT_E_ADDR,
                        "\"" + std::string(text) + "\": expected one of " + listed(values));
    }
    target = static_cast<std::size_t>(found - values.begin());
    return {};
  };
  setters_.emplace(std::move(key), std::move(setter));
  return *this;
}

sdk::Result<> OptionReader::apply(const std::map<std::string, std::string>& options) const {
  for (const auto& [key, value] : options) {
    if (auto done = set(key, value); done.has_error()) return done;
  }
  return {};
}

sdk::Result<> OptionReader::apply(std::span<const tt_kv> options) const {
  for (const tt_kv& option : options) {
    if (auto done = set(option.key, option.value); done.has_error()) return done;
  }
  return {};
}

sdk::Result<> OptionReader::set(std::string_view key, std::string_view value) const {
  const auto setter = setters_.find(key);
  if (setter == setters_.end()) {
    std::vector<std::string> known;
    for (const auto& [name, ignored] : setters_) known.push_back(name);
    return sdk::Error(TT_E_ADDR, "unknown option \"" + std::string(key.substr(0, 60)) +
                                     "\"; known are " + listed(known));
  }
  auto done = setter->second(value);
  if (done.has_error()) {
    return sdk::Error(TT_E_ADDR, "option " + std::string(key) + ": " + done.error().text);
  }
  return done;
}

}  // namespace trestle::transport_kit
