// Signals as something to wait for, not as interruptions.
#include "termination.hpp"

#include <pthread.h>
#include <unistd.h>

namespace trestle::tools {
namespace {

// Never unblocked, so that a late one does not end the process as a second SIGTERM does.
constexpr int own_request = SIGUSR2;

}  // namespace

Termination::Termination() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, own_request);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

Termination::~Termination() {
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, own_request);
  const timespec at_once{};
  sigtimedwait(&own, nullptr, &at_once);  // one that came when wait() was over
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Termination::wait() {
  int arrived = 0;
  sigwait(&signals_, &arrived);
  sigset_t from_outside = signals_;
  sigdelset(&from_outside, own_request);
  pthread_sigmask(SIG_UNBLOCK, &from_outside, nullptr);
}

void Termination::request() {
  kill(getpid(), own_request);
}

}  // namespace trestle::tools
