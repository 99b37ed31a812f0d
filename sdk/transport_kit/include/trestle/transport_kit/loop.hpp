// What is ready, what is due and what the host must hear: one epoll set, deadlines, a work queue.
#pragma once

#include <trestle/sdk/host.hpp>
#include <trestle/sdk/result.hpp>
#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/event_queue.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace trestle::transport_kit {

/// Something with a socket, driven by the loop. One descriptor at a time.
class Pollable {
 public:
  Pollable() = default;
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;
  virtual ~Pollable() = default;

  /// Notes what epoll reported; `work` follows.
  virtual void on_ready(std::uint32_t /*epoll_events*/) {}
  /// Its deadline has come.
  virtual void on_deadline() {}
  /// A bounded share of what there is to do. Enqueue again if something is left.
  virtual void work() = 0;

  /// What the kernel said of a descriptor, which may have changed since.
  enum class Guess {
    right,   ///< there was input
    wrong,   ///< there was none
    unsure,  ///< not tried: ask epoll
  };
  /// Works on input that epoll has not reported. Unsure where it waits for more than input: of what
  /// else there is, such as room to write, epoll may not be asked for long.
  virtual Guess guess() { return Guess::unsure; }

 private:
  friend class Loop;
  int fd_ = -1;                 ///< the one that is watched
  std::uint32_t interest_ = 0;  ///< in events of it
  bool enqueued_ = false;
  std::optional<std::chrono::nanoseconds> deadline_;
};

/// A connection, as its events name it.
struct EventSource {
  tt_conn* conn;      ///< what the host knows it by
  void* const* user;  ///< where its cookie is kept
};

/// One per transport. Work is done round robin, so that nobody starves behind a flood.
/// Who is alone in being busy is tried first, and epoll is asked only if that finds nothing: then
/// a message costs one system call here. While the host polls and finds all there, it is set aside:
/// taken out of the epoll set, where each arrival would cost the sender a call into it. Sleeping
/// hosts are safe: arm() puts it back, and epoll reports what is there, whenever that came.
class Loop {
 public:
  /// Errors: what the system says.
  static sdk::Result<std::unique_ptr<Loop>> create(sdk::Host host);

  /// The services of the host.
  const sdk::Host& host() const noexcept { return host_; }
  /// The epoll set: after arm() readable when progress() has work.
  int wait_fd() const noexcept { return epoll_.get(); }

  /// Level-triggered. Returns errno, or 0.
  int watch(int fd, Pollable& owner, std::uint32_t interest) noexcept;
  /// Watches for other events of it.
  void change(int fd, Pollable& owner, std::uint32_t interest) noexcept;
  /// Watches it no more.
  void unwatch(int fd) noexcept;

  /// Calls its on_deadline() then; empty: never. Wakes a host that would sleep for longer.
  void set_deadline(Pollable& owner, std::optional<std::chrono::nanoseconds> at);
  /// Calls its work() in the next round.
  void enqueue(Pollable& owner);
  /// Forgets the owner's deadline and work; its descriptor stays watched, if it is.
  void forget(Pollable& owner);

  /// Tells the host; wakes it unless it is listening already.
  void emit(const tt_event& event, void* const* user);
  /// With a text that lives until the host has read it.
  void emit(const tt_event& event, void* const* user, std::string text);
  /// CONNECTED, or ACCEPTED with the listener's cookie in `aux`.
  void tell_up(EventSource source, std::uint16_t kind, std::uint64_t aux);
  /// SENT with `op`, WRITABLE.
  void tell(EventSource source, std::uint16_t kind, tt_status status = TT_OK, std::uint64_t op = 0);
  /// CLOSED, the last event of a connection.
  void tell_closed(EventSource source, tt_status why, std::string text);
  /// UNLISTENED, the last event of a listener. `user`: its cookie.
  void tell_unlistened(void* user);
  /// DOWN, the last event of all.
  void tell_down();

  /// What progress() hands out.
  const EventQueue& events() const noexcept { return events_; }

  /// A round: `begin`, then `run`, then `end`, whose value is what progress() returns.
  void begin(std::span<tt_event> out);
  /// One round: descriptors, deadlines, work.
  void run();
  /// Ends the round.
  std::size_t end() noexcept;

  /// Whether the host may sleep, and until when.
  sdk::Arming arm();

 private:
  Loop(sdk::Host host, FileDescriptor epoll) : host_(host), epoll_(std::move(epoll)) {}
  void run_due();
  void find_ready();
  bool guess_ready();
  bool guess_aside();
  void ask_epoll();
  void note_ready(Pollable* only);
  void note_right_guess();
  bool put_back() noexcept;

  sdk::Host host_;
  FileDescriptor epoll_;
  EventQueue events_;
  std::vector<Pollable*> work_;  ///< in order; null: forgotten. A deque would not keep its memory
  std::set<std::pair<std::chrono::nanoseconds, Pollable*>> deadlines_;
  bool in_round_ = false;

  /// The only one that epoll reported twice in a row; null: there is none.
  Pollable* favourite_ = nullptr;
  Pollable* last_only_ = nullptr;
  int guesses_left_ = 0;
  int right_guesses_ = 0;        ///< of the favourite, since the last arm()
  Pollable* aside_ = nullptr;    ///< not in the epoll set, but tried in each round
  bool may_have_slept_ = false;  ///< since the last round; so anything may have ended the sleep
  std::optional<std::chrono::nanoseconds> sleeps_until_;  ///< as arm() said; empty: for ever
};

}  // namespace trestle::transport_kit
