// Reading and showing durations.
#include "duration_option.hpp"

#include <trestle/sdk/uri.hpp>

#include <cstdio>

namespace trestle::tools {

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::nanoseconds& value,
                          const std::string& help, const std::string& shown) {
  auto read = [&value, name](const std::string& text) {
    const auto parsed = sdk::parse_duration(text);
    if (parsed.has_error() || *parsed <= std::chrono::nanoseconds::zero()) {
      throw CLI::ValidationError(name,
                                 "'" + text + "' is no duration: expected such as 300ms or 2s");
    }
    value = *parsed;
  };
  return app.add_option_function<std::string>(name, read, help)
      ->type_name("DURATION")
      ->default_str(shown);
}

std::string to_text(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<double>(duration.count());
  char text[32];
  if (ns < 1e3) {
    std::snprintf(text, sizeof(text), "%.0f ns", ns);
  } else if (ns < 1e6) {
    std::snprintf(text, sizeof(text), "%.1f us", ns / 1e3);
  } else if (ns < 1e9) {
    std::snprintf(text, sizeof(text), "%.2f ms", ns / 1e6);
  } else {
    std::snprintf(text, sizeof(text), "%.3f s", ns / 1e9);
  }
  return text;
}

}  // namespace trestle::tools
