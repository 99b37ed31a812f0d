// The default log, and text made safe for it.
#include "log/logger.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace trestle::log {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string safe;
  const std::string_view shown = text.substr(0, bytes_max);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F: terminals obey these, too.
    if (byte == 0xC2 && i + 1 < shown.size() && static_cast<unsigned char>(shown[i + 1]) < 0xA0) {
      byte = static_cast<unsigned char>(shown[++i]);
      safe += fmt::format("\\x{:02x}", byte);
    } else if (byte < 0x20 || byte == 0x7F) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe += c;
    }
  }
  if (text.size() > bytes_max) safe += "...";
  return safe;
}

LogFunction standard_error_log() {
  // A logger of our own, not in spdlog's registry: several nodes and the application share those.
  auto logger = std::make_shared<spdlog::logger>("trestle",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::warn);
  return
      [logger](LogLevel level, std::string_view text) { logger->log(level_of(level), "{}", text); };
}

}  // namespace trestle::log
