// A bar on standard error that fills with time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace trestle::tools {

/// Shows `label` and a bar that is full after `expected`; wiped at the end. Where standard error is
/// no terminal it does nothing at all, not even start a thread.
class ProgressBar {
 public:
  ProgressBar(std::string label, std::chrono::nanoseconds expected);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

 private:
  void draw_until(const std::stop_token& stop, std::chrono::nanoseconds expected);

  const std::string label_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread painter_;
};

}  // namespace trestle::tools
