// Events in, timers, and sleep.
#include "engine/engine.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace trestle::engine {
namespace {

// Transports that offer neither a descriptor nor wake-ups are polled this often.
constexpr TimePoint poll_only_interval = std::chrono::microseconds(500);

template <class Places>
void wake_all(Places& places) noexcept {
  for (auto& place : places) place.waker.wake();
}

/// Never freed, but still reachable: leak checkers shall tell this from mistakes.
void leak(std::unique_ptr<Transport> transport) {
  static std::mutex mutex;
  static auto& leaked = *new std::vector<std::unique_ptr<Transport>>;
  const std::lock_guard lock(mutex);
  leaked.push_back(std::move(transport));
}

std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

Engine::Engine(EngineOptions options, EngineEvents& events)
    : options_(std::move(options)),
      events_(events),
      released_(std::make_shared<ReleaseQueue>([seats = seats_] { wake_all(*seats); })) {}

Result<Transport*> Engine::transport(const tt_plugin& plugin, std::string_view scheme) {
  if (const auto found = transports_.find(scheme); found != transports_.end()) {
    if (found->second->has_failed()) {
      return Error(Errc::transport_failed, "transport '" + std::string(scheme) +
                                               "' failed for good and is not used any more");
    }
    return found->second.get();
  }
  HostServices services{
      .wake = [seats = seats_] { wake_all(*seats); },
      .now = [&clock = options_.clock] { return clock.now(); },
      .log = options_.log,
      .find_plugin = options_.find_plugin,
  };
  auto opened = Transport::open(plugin, scheme, std::move(services), released_, options_.limits);
  if (opened.has_error()) return std::move(opened).error();
  Transport* transport = opened->get();
  transports_.emplace(std::string(scheme), std::move(*opened));
  running_.push_back(transport);
  wake();  // the leader must learn of a new descriptor
  return transport;
}

void Engine::wake() noexcept {
  wake_all(*seats_);
}

void Engine::wake_before(TimePoint due) noexcept {
  for (Place& place : *seats_) {
    if (due < place.until) place.waker.wake();
  }
}

void Engine::release_buffers_now() {
  for (const auto& [transport, rx] : released_->take()) transport->end_hold(rx);
}

std::size_t Engine::collect() {
  release_buffers();
  recent_time_ = std::exchange(noted_time_, std::nullopt);
  ++turns_;
  std::size_t handled = 0;
  bool one_is_down = false;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Transport& transport = *running_[i];
    handled += transport.progress();
    if (!transport.is_down()) continue;
    if (transport.has_failed()) events_.on_transport_failed(transport);
    one_is_down = true;
  }
  if (one_is_down) std::erase_if(running_, [](const Transport* t) { return t->is_down(); });
  // next() would be written to memory in two pieces and read in one, which waits for the store.
  if (!timers_.empty() && timers_.earliest() <= recent_time()) {
    handled += timers_.expire(recent_time());
  }
  return handled;
}

bool Engine::prepare_sleep(Seat seat, std::optional<TimePoint> limit) {
  Place& place = (*seats_)[index(seat)];
  place.waker.prepare_sleep();
  place.until = limit.value_or(TimePoint::max());
  if (!timers_.empty()) place.until = std::min(place.until, timers_.earliest());
  const bool has_reason = find_reason_to_stay_awake(place);
  latest_until_ = TimePoint(0);
  for (const Place& each : *seats_) latest_until_ = std::max(latest_until_, each.until);
  if (!has_reason) return true;
  place.waker.stay_awake();
  return false;
}

bool Engine::find_reason_to_stay_awake(Place& place) {
  release_buffers();
  if (events_.has_work()) return true;
  place.fds.clear();
  for (Transport* transport : running_) {
    std::optional<TimePoint> deadline;
    if (transport->arm(deadline) != TT_OK) return true;
    const std::uint32_t waits = transport->attributes().wait_flags;
    if ((waits & TT_WAIT_FD) != 0) place.fds.push_back(transport->attributes().wait_fd);
    if (waits == 0) deadline = earlier(deadline, now() + poll_only_interval);
    if (deadline) place.until = std::min(place.until, *deadline);
  }
  return false;
}

void Engine::sleep(Seat seat) {
  Place& place = (*seats_)[index(seat)];
  std::optional<TimePoint> timeout;
  if (place.until != TimePoint::max()) timeout = place.until - now();
  place.waker.sleep(place.fds, timeout);
}

void Engine::nap(std::chrono::nanoseconds at_most) {
  Place& place = (*seats_)[index(Seat::caller)];
  {
    const Lock lock(mutex_);
    if (!prepare_sleep(Seat::caller)) return;
  }
  place.waker.sleep(place.fds, at_most);
}

bool Engine::waits_on_kernel() const {
  return std::any_of(transports_.begin(), transports_.end(), [](const auto& entry) {
    return (entry.second->attributes().wait_flags & TT_WAIT_WAKE) == 0;
  });
}

void Engine::shut_down() {
  for (const auto& entry : transports_) entry.second->shutdown();
}

bool Engine::is_down() const {
  return std::all_of(transports_.begin(), transports_.end(),
                     [](const auto& entry) { return entry.second->is_down(); });
}

std::vector<std::string> Engine::destroy_transports() {
  decltype(transports_) gone;  // outlives the lock: payloads go with them
  const Lock lock(mutex_);
  release_buffers();
  std::vector<std::string> held;
  for (auto& entry : transports_) {
    if (entry.second->destroy()) continue;
    held.push_back(entry.first);
    // Its plugin side lives on and uses the host table in here.
    leak(std::move(entry.second));
  }
  running_.clear();
  gone.swap(transports_);
  return held;
}

}  // namespace trestle::engine
