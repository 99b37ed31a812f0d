// Finding threads by name, and their scheduling policy.
#include "io_threads.hpp"

#include <sched.h>
#include <algorithm>
#include <charconv>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

namespace trestle::zeromq {
namespace {

void set_policy(pid_t thread, int policy) noexcept {
  const sched_param normal{};
  // It fails where a sandbox forbids it; then all stays as it is.
  ::sched_setscheduler(thread, policy, &normal);
}

}  // namespace

void IoThreads::apply(bool wait) noexcept {
  try {
    if (wait && threads_.size() < count_ && searches_ < searches_max) find();
  } catch (const std::exception&) {
    return;  // no memory, or no /proc
  }
  for (const pid_t thread : threads_) set_policy(thread, wait ? SCHED_BATCH : SCHED_OTHER);
  wait_ = wait;
}

/// libzmq tells nobody which threads are its own, but names them.
void IoThreads::find() {
  ++searches_;
  threads_.clear();
  const std::string wanted = std::to_string(number_) + "/ZMQbg/IO/";
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (!name.starts_with(wanted)) continue;
    const std::string text = entry.path().filename();
    pid_t thread = 0;
    std::from_chars(text.data(), text.data() + text.size(), thread);
    if (thread != 0 && ::sched_getscheduler(thread) == SCHED_OTHER) threads_.push_back(thread);
  }
}

}  // namespace trestle::zeromq
