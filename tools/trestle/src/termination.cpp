// Signals as something to wait for, not as interruptions.
#include "termination.hpp"

#include <pthread.h>

namespace trestle::tools {

Termination::Termination() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

Termination::~Termination() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Termination::wait() {
  int arrived = 0;
  sigwait(&signals_, &arrived);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace trestle::tools
