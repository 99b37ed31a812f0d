// Sleeping on descriptors and an eventfd.
#include "engine/waker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace trestle::engine {

Waker::Waker() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Waker::~Waker() {
  ::close(event_fd_);
}

void Waker::wake() noexcept {
  if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  // The counter cannot overflow: one write per sleep.
  [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof(one));
}

void Waker::prepare_sleep() noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
}

void Waker::sleep(const std::vector<int>& fds, std::optional<TimePoint> timeout) {
  poll_set_.clear();
  poll_set_.push_back({event_fd_, POLLIN, 0});
  for (const int fd : fds) poll_set_.push_back({fd, POLLIN, 0});
  timespec spec{};
  if (timeout) {
    const auto ns = timeout->count() > 0 ? timeout->count() : 0;
    spec.tv_sec = ns / 1'000'000'000;
    spec.tv_nsec = ns % 1'000'000'000;
  }
  ::ppoll(poll_set_.data(), poll_set_.size(), timeout ? &spec : nullptr, nullptr);
  sleeping_.store(false, std::memory_order_relaxed);
  if ((poll_set_.front().revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(event_fd_, &count, sizeof(count));
  }
}

}  // namespace trestle::engine
