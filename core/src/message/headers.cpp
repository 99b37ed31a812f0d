// Headers as a list: there are few, and order matters to who reads them.
#include <trestle/headers.hpp>

#include <algorithm>

namespace trestle {
namespace {

auto find(std::vector<Headers::Entry>& entries, std::string_view name) {
  return std::find_if(entries.begin(), entries.end(),
                      [name](const Headers::Entry& entry) { return entry.first == name; });
}

Error beyond(std::string what, std::size_t number, std::string_view unit, std::size_t limit) {
  return Error(Errc::invalid_argument, std::move(what) + ' ' + std::to_string(number) + ' ' +
                                           std::string(unit) + ", the limit is " +
                                           std::to_string(limit));
}

}  // namespace

Headers::Headers(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

Headers::Headers(const Headers& other)
    : entries_(other.empty() ? nullptr : new std::vector<Entry>(*other.entries_)) {}

Headers& Headers::operator=(const Headers& other) {
  Headers copy(other);
  std::swap(entries_, copy.entries_);
  return *this;
}

void Headers::Drop::operator()(std::vector<Entry>* entries) const noexcept {
  delete entries;
}

Headers& Headers::set(std::string_view name, std::string_view value) {
  if (entries_ == nullptr) entries_.reset(new std::vector<Entry>);
  if (const auto found = find(*entries_, name); found != entries_->end()) {
    found->second = value;
  } else {
    entries_->emplace_back(name, value);
  }
  return *this;
}

bool Headers::erase(std::string_view name) {
  if (entries_ == nullptr) return false;
  const auto found = find(*entries_, name);
  if (found == entries_->end()) return false;
  entries_->erase(found);
  return true;
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept {
  const auto* found =
      std::find_if(begin(), end(), [name](const Entry& entry) { return entry.first == name; });
  if (found == end()) return std::nullopt;
  return found->second;
}

std::size_t Headers::encoded_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& [name, value] : *this) bytes += overhead_bytes + name.size() + value.size();
  return bytes;
}

Result<void> Headers::check() const {
  if (size() > count_max) return beyond("a message has", size(), "headers", count_max);
  for (const auto& [name, value] : *this) {
    if (name.empty()) return Error(Errc::invalid_argument, "a header has no name");
    if (name.size() > name_bytes_max) {
      return beyond("the name of header '" + name.substr(0, 32) + "…' has", name.size(), "bytes",
                    name_bytes_max);
    }
    if (value.size() > value_bytes_max) {
      return beyond("the value of header '" + name + "' has", value.size(), "bytes",
                    value_bytes_max);
    }
  }
  if (const std::size_t bytes = encoded_bytes(); bytes > bytes_max) {
    return beyond("the headers of a message have", bytes, "bytes", bytes_max);
  }
  return {};
}

bool operator==(const Headers& a, const Headers& b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace trestle
