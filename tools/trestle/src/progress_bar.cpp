// Drawing ten times a second, so that what is measured meanwhile is hardly disturbed.
#include "progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace trestle::tools {
namespace {

constexpr int width = 30;
constexpr auto interval = std::chrono::milliseconds(100);
constexpr const char* wipe = "\r\033[K";

void draw(const std::string& label, double done) {
  const int full = static_cast<int>(std::clamp(done, 0.0, 1.0) * width);
  const std::string bar = std::string(static_cast<std::size_t>(full), '#') +
                          std::string(static_cast<std::size_t>(width - full), '.');
  std::fprintf(stderr, "%s[%s] %s", wipe, bar.c_str(), label.c_str());
}

}  // namespace

ProgressBar::ProgressBar(std::string label, std::chrono::nanoseconds expected)
    : label_(std::move(label)) {
  if (isatty(STDERR_FILENO) == 0) return;
  painter_ =
      std::jthread([this, expected](const std::stop_token& stop) { draw_until(stop, expected); });
}

void ProgressBar::draw_until(const std::stop_token& stop, std::chrono::nanoseconds expected) {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    draw(label_, passed / std::chrono::duration<double>(expected));
    stopped_.wait_for(lock, stop, interval, [] { return false; });
  }
  std::fputs(wipe, stderr);
}

ProgressBar::~ProgressBar() = default;  // stops and joins the painter first

}  // namespace trestle::tools
