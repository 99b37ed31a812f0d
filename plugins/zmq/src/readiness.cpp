// Asking sockets again that may have changed unnoticed.
#include "readiness.hpp"

#include <algorithm>
#include <utility>

namespace trestle::zeromq {

void Readiness::touch(ReadsSocket& reader) {
  if (asleep_) {
    if (reader.check_events()) host_.wake();
    return;
  }
  if (!std::exchange(reader.touched_, true)) touched_.push_back(&reader);
}

void Readiness::stop_early(ReadsSocket& reader) {
  reader.stopped_early_ = true;
  touch(reader);
}

void Readiness::forget(ReadsSocket& reader) {
  if (std::exchange(reader.touched_, false)) std::erase(touched_, &reader);
}

void Readiness::begin_round() {
  asleep_ = false;
  for (ReadsSocket* reader : touched_) {
    // The host polls: nobody asked since.
    if (std::exchange(reader->stopped_early_, false)) reader->read_on();
  }
}

bool Readiness::may_sleep() {
  bool quiet = true;
  for (ReadsSocket* reader : touched_) {
    reader->touched_ = false;
    if (reader->check_events()) quiet = false;
    reader->stopped_early_ = false;
  }
  touched_.clear();
  asleep_ = quiet;
  return quiet;
}

}  // namespace trestle::zeromq
