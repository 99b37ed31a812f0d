// Finding threads by name, and their scheduling policy.
#include "io_threads.hpp"

#include <sched.h>
#include <charconv>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

namespace trestle::zeromq {
namespace {

/// False: it has another policy by now, or a sandbox forbids to change it.
bool change_policy(pid_t thread, int from, int to) noexcept {
  const sched_param normal{};
  return ::sched_getscheduler(thread) == from && ::sched_setscheduler(thread, to, &normal) == 0;
}

/// Of this process, with names that begin like that.
std::vector<pid_t> threads_named(const std::string& beginning) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (!name.starts_with(beginning)) continue;
    const std::string text = entry.path().filename();
    pid_t thread = 0;
    std::from_chars(text.data(), text.data() + text.size(), thread);
    found.push_back(thread);
  }
  return found;
}

}  // namespace

void IoThreads::apply(bool wait) noexcept {
  try {
    if (wait && searches_left_ > 0) find();
  } catch (const std::exception&) {
    return;  // no memory, or no /proc
  }
  const int from = wait ? SCHED_OTHER : SCHED_BATCH;
  const int to = wait ? SCHED_BATCH : SCHED_OTHER;
  std::erase_if(threads_, [&](pid_t thread) { return !change_policy(thread, from, to); });
  wait_ = wait;
}

/// libzmq tells nobody which threads are its own, but names them.
void IoThreads::find() {
  --searches_left_;
  threads_ = threads_named(std::to_string(number_) + "/ZMQbg/IO/");
  if (threads_.size() < count_) return;  // some have not started
  // If there are more, somebody else's are among them.
  if (threads_.size() > count_) threads_.clear();
  searches_left_ = 0;
}

}  // namespace trestle::zeromq
