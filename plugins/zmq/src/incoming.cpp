// Reading messages and lending them.
#include "incoming.hpp"

#include <memory>
#include <utility>

namespace trestle::zeromq {

Incoming::Read Incoming::read(zmq::socket_t& socket) {
  clear();
  do {
    if (count_ == frames_.size()) frames_.emplace_back();
    zmq_msg_t* frame = frames_[count_].handle();
    // The C call: a socket without messages is no exception.
    if (zmq_msg_recv(frame, socket.handle(), ZMQ_DONTWAIT) < 0) {
      clear();
      return Read::nothing;
    }
    bytes_ += frames_[count_].size();
  } while (frames_[count_++].more());
  return Read::message;
}

void Incoming::clear() noexcept {
  constexpr std::size_t kept_frames_max = 64;
  for (std::size_t i = 0; i < count_; ++i) frames_[i].rebuild();
  if (frames_.size() > kept_frames_max) frames_.resize(kept_frames_max);
  count_ = 0;
  bytes_ = 0;
}

struct LentPackets::Held {
  std::vector<zmq::message_t> frames;
  std::vector<tt_iov> segments;
};

void LentPackets::lend(std::span<zmq::message_t> frames, Life life, tt_event& event) {
  if (life == Life::round && frames.size() == 1) {
    // A small frame keeps its bytes within itself: it must not move while the host reads it.
    if (round_.capacity() == round_.size() && !round_.empty()) life = Life::release;
  }
  if (life == Life::round && frames.size() == 1) {
    if (round_.empty()) round_.reserve(256);
    zmq::message_t& kept = round_.emplace_back(std::move(frames.front()));
    event.data = kept.data();
    event.len = kept.size();
    return;
  }
  auto held = std::make_unique<Held>();
  for (zmq::message_t& frame : frames) held->frames.push_back(std::move(frame));
  event.data = held->frames.front().data();
  event.len = held->frames.front().size();
  if (held->frames.size() > 1) {
    for (zmq::message_t& frame : held->frames) {
      held->segments.push_back({frame.data(), frame.size()});
    }
    event.flags |= TT_EVF_SEGS;
    event.data = held->segments.data();
    event.len = held->segments.size();
  }
  event.rx = reinterpret_cast<tt_rx*>(held.release());
  ++held_;
}

void LentPackets::release(tt_rx& rx) noexcept {
  delete reinterpret_cast<Held*>(&rx);
  --held_;
}

}  // namespace trestle::zeromq
