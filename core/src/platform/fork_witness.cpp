// One list for the process, as there is one fork() for all.
#include "platform/fork_witness.hpp"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace trestle::platform {
namespace {

struct Witnesses {
  std::mutex mutex;
  std::vector<ForkWitness*> list;
};

/// Never destroyed: a process may fork while its static objects are.
Witnesses& witnesses() {
  static Witnesses& all = *[] {
    auto* const made = new Witnesses;
    const auto before = [] {
      witnesses().mutex.lock();
      for (ForkWitness* witness : witnesses().list) witness->before_fork();
    };
    const auto in_parent = [] {
      for (ForkWitness* witness : witnesses().list) witness->after_fork();
      witnesses().mutex.unlock();
    };
    const auto in_child = [] {
      for (ForkWitness* witness : witnesses().list) witness->after_fork_in_child();
      witnesses().mutex.unlock();
    };
    // Fails only for want of memory; forking is then as it was without us.
    static_cast<void>(::pthread_atfork(before, in_parent, in_child));
    return made;
  }();
  return all;
}

}  // namespace

ForkWatch::ForkWatch(ForkWitness& witness) : witness_(witness) {
  const std::lock_guard lock(witnesses().mutex);
  witnesses().list.push_back(&witness_);
}

ForkWatch::~ForkWatch() {
  const std::lock_guard lock(witnesses().mutex);
  std::erase(witnesses().list, &witness_);
}

}  // namespace trestle::platform
