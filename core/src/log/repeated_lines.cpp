// Counting what is left out.
#include "log/repeated_lines.hpp"

#include <utility>

namespace trestle::log {

bool RepeatedLines::admit(std::string_view kind, LogLevel level, std::string_view text,
                          TimePoint now) {
  if (interval_.count() <= 0) return true;
  const std::lock_guard lock(mutex_);
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) {
    if (kinds_.size() >= kinds_max) {
      std::erase_if(kinds_, [&](const auto& entry) {
        return entry.second.left_out == 0 && entry.second.until <= now;
      });
    }
    if (kinds_.size() >= kinds_max) kind = "";
    found = kinds_.try_emplace(std::string(kind)).first;
  }
  Kind& known = found->second;
  if (known.left_out == 0 && known.until <= now) {
    known.until = now + interval_;
    return true;
  }
  ++known.left_out;
  known.level = level;
  known.last = text;
  return false;
}

std::vector<Line> RepeatedLines::take_due(TimePoint now) {
  std::vector<Line> lines;
  const std::lock_guard lock(mutex_);
  for (auto& entry : kinds_) {
    Kind& kind = entry.second;
    if (kind.left_out == 0 || kind.until > now) continue;
    lines.push_back({kind.level, std::to_string(kind.left_out) +
                                     " more like it, the last: " + std::exchange(kind.last, {})});
    kind.left_out = 0;
    // Told of now: the next one is not the first either.
    if (now != TimePoint::max()) kind.until = now + interval_;
  }
  return lines;
}

std::optional<TimePoint> RepeatedLines::next_due() const {
  const std::lock_guard lock(mutex_);
  std::optional<TimePoint> next;
  for (const auto& entry : kinds_) {
    if (entry.second.left_out == 0) continue;
    if (!next || entry.second.until < *next) next = entry.second.until;
  }
  return next;
}

}  // namespace trestle::log
