// Logging on the leader.
#include "node/node_log.hpp"

#include <utility>

#include "log/logger.hpp"

namespace trestle {
namespace {

/// Of lines that transports write.
constexpr std::size_t line_bytes_max = 1000;

}  // namespace

NodeLog::NodeLog(LogFunction out, std::chrono::nanoseconds interval, Services services)
    : out_(out ? std::move(out) : log::standard_error_log()),
      services_(std::move(services)),
      repeated_(interval) {
  gate_->log = this;
}

NodeLog::~NodeLog() {
  const std::lock_guard lock(gate_->mutex);
  gate_->log = nullptr;
}

void NodeLog::write(LogLevel level, std::string_view text) {
  try {
    out_(level, text);
  } catch (...) {
    // A log function that throws has nowhere to say so.
  }
}

void NodeLog::write_in_turn(LogLevel level, std::string_view text) {
  const std::unique_lock lock(writing_, std::try_to_lock);
  if (!lock.owns_lock()) return add(level, std::string(text));
  write(level, text);
}

void NodeLog::add_beside_leader(std::string_view kind, LogLevel level, std::string text) {
  const std::unique_lock lock(writing_, std::try_to_lock);
  if (!lock.owns_lock()) return add_repeated(kind, level, std::move(text));
  if (!repeated_.admit(kind, level, text, services_.now())) return tell_later();
  write(level, text);
}

void NodeLog::add(LogLevel level, std::string text) {
  services_.defer([this, level, line = std::move(text)] { write_in_turn(level, line); });
}

void NodeLog::add_repeated(std::string_view kind, LogLevel level, std::string text) {
  if (repeated_.admit(kind, level, text, services_.now())) return add(level, std::move(text));
  tell_later();
}

void NodeLog::tell_later() {
  if (will_wake_.exchange(true)) return;
  services_.defer([this] { wake_for_next(); });
}

void NodeLog::wake_for_next() {
  will_wake_ = false;
  const auto next = repeated_.next_due();
  if (!next) return;
  will_wake_ = true;
  services_.wake_at(*next);
}

void NodeLog::tell_due() {
  for (const log::Line& line : repeated_.take_due(services_.now()))
    write_in_turn(line.level, line.text);
  wake_for_next();
}

void NodeLog::tell_all() {
  for (const log::Line& line : repeated_.take_all()) write(line.level, line.text);
}

LogFunction NodeLog::outlet() {
  return [gate = gate_](LogLevel level, std::string_view text) {
    const std::lock_guard lock(gate->mutex);
    if (gate->log == nullptr) return;
    std::string line = log::printable(text, line_bytes_max);
    if (level > LogLevel::warning) return gate->log->add(level, std::move(line));
    const std::string kind = "of others: " + line;
    gate->log->add_repeated(kind, level, std::move(line));
  };
}

}  // namespace trestle
