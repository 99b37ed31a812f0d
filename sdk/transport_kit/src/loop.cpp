// Driving sockets from progress().
#include <trestle/transport_kit/loop.hpp>

#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <cerrno>

#include <trestle/transport_kit/socket_error.hpp>

namespace trestle::transport_kit {
namespace {

/// Rounds in a row without asking epoll, so that a busy socket delays the others by no more.
constexpr int guesses_max = 16;

/// To be set aside and put back costs about as much as so many arrivals save.
constexpr int right_guesses_min = 64;

}  // namespace

sdk::Result<std::unique_ptr<Loop>> Loop::create(sdk::Host host) {
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return socket_error("cannot make an epoll descriptor", errno);
  return std::unique_ptr<Loop>(new Loop(host, std::move(epoll)));
}

int Loop::watch(int fd, Pollable& owner, std::uint32_t interest) noexcept {
  owner.fd_ = fd;
  owner.interest_ = interest;
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &owner;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void Loop::change(int fd, Pollable& owner, std::uint32_t interest) noexcept {
  owner.interest_ = interest;
  if (aside_ == &owner && put_back()) return;
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &owner;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::unwatch(int fd) noexcept {
  if (aside_ != nullptr && aside_->fd_ == fd) {
    aside_ = nullptr;
    return;
  }
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::set_deadline(Pollable& owner, std::optional<std::chrono::nanoseconds> at) {
  if (owner.deadline_) deadlines_.erase({*owner.deadline_, &owner});
  owner.deadline_ = at;
  if (!at) return;
  deadlines_.insert({*at, &owner});
  if (in_round_ || !may_have_slept_ || (sleeps_until_ && *sleeps_until_ <= *at)) return;
  sleeps_until_ = at;
  host_.wake();
}

void Loop::enqueue(Pollable& owner) {
  if (std::exchange(owner.enqueued_, true)) return;
  work_.push_back(&owner);
}

void Loop::forget(Pollable& owner) {
  set_deadline(owner, std::nullopt);
  if (std::exchange(owner.enqueued_, false)) {
    std::replace(work_.begin(), work_.end(), &owner, static_cast<Pollable*>(nullptr));
    if (!in_round_) std::erase(work_, nullptr);  // run() may be in the middle of it
  }
  if (favourite_ == &owner) favourite_ = nullptr;
  if (last_only_ == &owner) last_only_ = nullptr;
  if (aside_ == &owner && !put_back()) aside_ = nullptr;
}

void Loop::emit(const tt_event& event, void* const* user) {
  events_.push(event, user);
  if (!in_round_) host_.wake();
}

void Loop::emit(const tt_event& event, void* const* user, std::string text) {
  events_.push(event, user, std::move(text));
  if (!in_round_) host_.wake();
}

void Loop::tell_up(EventSource source, std::uint16_t kind, std::uint64_t aux) {
  tt_event event{};
  event.kind = kind;
  event.conn = source.conn;
  event.aux = aux;
  emit(event, source.user);
}

void Loop::tell(EventSource source, std::uint16_t kind, tt_status status, std::uint64_t op) {
  tt_event event{};
  event.kind = kind;
  event.status = status;
  event.conn = source.conn;
  event.op = op;
  emit(event, source.user);
}

void Loop::tell_closed(EventSource source, tt_status why, std::string text) {
  tt_event event{};
  event.kind = TT_EV_CLOSED;
  event.status = why;
  event.conn = source.conn;
  emit(event, source.user, std::move(text));
}

void Loop::tell_unlistened(void* user) {
  tt_event event{};
  event.kind = TT_EV_UNLISTENED;
  event.status = TT_E_CLOSED;
  event.user = user;
  emit(event, nullptr);
}

void Loop::tell_down() {
  tt_event event{};
  event.kind = TT_EV_DOWN;
  emit(event, nullptr);
}

void Loop::begin(std::span<tt_event> out) {
  in_round_ = true;
  events_.begin(out);
}

void Loop::run() {
  run_due();
  find_ready();
  // Each once: what enqueues itself again waits for the next round.
  std::size_t done = 0;
  for (const std::size_t all = work_.size(); done < all && events_.room() > 0; ++done) {
    Pollable* const owner = std::exchange(work_[done], nullptr);
    if (owner == nullptr) continue;  // it was forgotten
    owner->enqueued_ = false;
    owner->work();
  }
  work_.erase(work_.begin(), work_.begin() + static_cast<std::ptrdiff_t>(done));
}

void Loop::find_ready() {
  if (!guess_ready()) ask_epoll();
  may_have_slept_ = false;
}

/// False: epoll has to be asked.
bool Loop::guess_ready() {
  if (aside_ != nullptr) return guess_aside();
  if (favourite_ == nullptr || guesses_left_ == 0 || !work_.empty()) return false;
  --guesses_left_;
  switch (favourite_->guess()) {
    case Pollable::Guess::right:
      note_right_guess();
      return true;
    case Pollable::Guess::wrong:
      return !may_have_slept_;
    case Pollable::Guess::unsure:
      break;
  }
  return false;
}

/// The same. It is tried in any case: epoll does not know it.
bool Loop::guess_aside() {
  const bool is_unsure = !aside_->enqueued_ && aside_->guess() == Pollable::Guess::unsure;
  const bool is_in_the_way = events_.room() == 0 && !work_.empty();
  if ((is_unsure || is_in_the_way) && aside_ != nullptr) put_back();  // guessing may have done that
  if (aside_ == nullptr || guesses_left_ == 0 || !work_.empty()) return false;
  --guesses_left_;
  return true;
}

/// A favourite that keeps having input is set aside.
void Loop::note_right_guess() {
  if (++right_guesses_ < right_guesses_min || favourite_ == nullptr) return;
  right_guesses_ = 0;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, favourite_->fd_, nullptr) == 0) aside_ = favourite_;
}

/// False: the system does not take it now, so it stays aside.
bool Loop::put_back() noexcept {
  Pollable& owner = *aside_;
  if (watch(owner.fd_, owner, owner.interest_) != 0) return false;
  aside_ = nullptr;
  return true;
}

void Loop::ask_epoll() {
  guesses_left_ = guesses_max;
  std::array<epoll_event, 64> ready;
  const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
  for (int i = 0; i < count; ++i) {
    auto& owner = *static_cast<Pollable*>(ready[static_cast<std::size_t>(i)].data.ptr);
    owner.on_ready(ready[static_cast<std::size_t>(i)].events);
    enqueue(owner);
  }
  if (count > 0) note_ready(count == 1 ? static_cast<Pollable*>(ready[0].data.ptr) : nullptr);
}

void Loop::note_ready(Pollable* only) {
  if (aside_ != nullptr) put_back();  // others are busy, too
  Pollable* const next = only == last_only_ ? only : nullptr;
  if (next != favourite_) right_guesses_ = 0;
  favourite_ = next;
  last_only_ = only;
}

void Loop::run_due() {
  if (deadlines_.empty()) return;
  const auto now = host_.now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Pollable& owner = *deadlines_.begin()->second;
    set_deadline(owner, std::nullopt);
    owner.on_deadline();
  }
}

std::size_t Loop::end() noexcept {
  in_round_ = false;
  return events_.end();
}

sdk::Arming Loop::arm() {
  sdk::Arming arming;
  arming.may_sleep = events_.empty() && work_.empty();
  right_guesses_ = 0;
  if (aside_ != nullptr && !put_back()) arming.may_sleep = false;
  if (!deadlines_.empty()) arming.deadline = deadlines_.begin()->first;
  may_have_slept_ = arming.may_sleep;
  sleeps_until_ = arming.deadline;
  return arming;
}

}  // namespace trestle::transport_kit
