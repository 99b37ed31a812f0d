// One epoll loop per side and any number of connections. Frames of one turn leave in one write of
// at most 64 KiB, or each with a write of its own.
#include "arguments.hpp"
#include "endpoint.hpp"
#include "frame_stream.hpp"
#include "result.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace {

using bare::Clock;
using bare::FrameReader;
using bare::Wanted;
using bare::Writing;

constexpr std::size_t packet_bytes = 64 * 1024;

/// A non-blocking socket with what waits to be sent.
class Connection {
 public:
  Connection(int epoll, int socket, Writing writing)
      : epoll_(epoll), socket_(socket), writing_(writing) {
    bare::set_non_blocking(socket);
    unsent_.reserve(2 * packet_bytes);
    watch(EPOLL_CTL_ADD, EPOLLIN);
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  FrameReader& reader() noexcept { return reader_; }
  int socket() const noexcept { return socket_; }

  void queue(std::span<const std::byte> frame) {
    unsent_.insert(unsent_.end(), frame.begin(), frame.end());
    if (writing_ == Writing::each || unsent_.size() >= packet_bytes) flush();
  }

  /// Sends what waits, as far as there is room.
  void flush() {
    std::size_t sent = 0;
    while (sent < unsent_.size()) {
      const ssize_t some =
          send(socket_, unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL);
      if (some < 0 && errno == EAGAIN) break;
      if (some < 0) bare::fail("write");
      sent += static_cast<std::size_t>(some);
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (unsent_.empty() == wants_room_) {
      wants_room_ = !unsent_.empty();
      watch(EPOLL_CTL_MOD, wants_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  std::vector<Clock::time_point> started;  ///< ring: when each outstanding request was queued
  std::size_t oldest = 0;

 private:
  void watch(int operation, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = this;
    if (epoll_ctl(epoll_, operation, socket_, &event) != 0) bare::fail("epoll_ctl");
  }

  const int epoll_;
  const int socket_;
  const Writing writing_;
  FrameReader reader_;
  std::vector<std::byte> unsent_;
  bool wants_room_ = false;
};

/// One read; each frame in it goes to `take`; then what that queued is sent. False when the peer
/// has closed. What is still in the socket is for the next turn: the other connections come first.
template <class Take>
bool turn(Connection& connection, Take take) {
  FrameReader& reader = connection.reader();
  const auto reading = reader.read_from(connection.socket());
  if (reading == FrameReader::Reading::ended) return false;
  while (const auto frame = reader.next()) take(*frame);
  connection.flush();
  return true;
}

using Events = std::array<epoll_event, 256>;

std::span<epoll_event> wait_for_events(int epoll, Events& events) {
  for (;;) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    if (ready >= 0) return {events.data(), static_cast<std::size_t>(ready)};
    if (errno != EINTR) bare::fail("epoll_wait");
  }
}

[[noreturn]] void serve(const bare::Arguments& arguments) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int listener = bare::listen_at(arguments.endpoint);
  epoll_event event{};
  event.events = EPOLLIN;  // data.ptr stays null: that is the listener
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) bare::fail("epoll_ctl");
  Events events;
  for (;;) {
    for (const epoll_event& ready : wait_for_events(epoll, events)) {
      auto* connection = static_cast<Connection*>(ready.data.ptr);
      if (connection == nullptr) {
        // Owned by the epoll set, so to say: deleted when its peer closes.
        new Connection(epoll, bare::accept_from(listener), arguments.writing);
        continue;
      }
      const bool open = turn(*connection, [&](const bare::Frame& frame) {
        if (frame.header.wanted == Wanted::echo) connection->queue(frame.bytes);
      });
      if (!open) delete connection;
    }
  }
}

/// All connections of the client, each with its requests under way.
class Load {
 public:
  Load(const bare::Arguments& arguments, std::size_t outstanding)
      : request_(bare::make_frame(arguments.size, Wanted::echo)), outstanding_(outstanding) {
    for (std::size_t i = 0; i < arguments.clients; ++i) {
      const int socket = bare::connect_to(arguments.endpoint);
      connections_.push_back(std::make_unique<Connection>(epoll_, socket, arguments.writing));
      connections_.back()->started.resize(outstanding);
    }
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Each reply makes room for the next request, until the deadline; then the rest comes in. The
  /// clock is read once per turn: all requests of a turn start, and all replies end, at its time.
  void run(Clock::duration during, bare::Samples& samples) {
    auto now = Clock::now();
    const auto deadline = now + during;
    for (auto& connection : connections_) {
      connection->started.assign(outstanding_, now);
      connection->oldest = 0;
      for (std::size_t i = 0; i < outstanding_; ++i) connection->queue(request_);
      connection->flush();
    }
    std::size_t under_way = outstanding_ * connections_.size();
    Events events;
    while (under_way > 0) {
      for (const epoll_event& ready : wait_for_events(epoll_, events)) {
        auto& connection = *static_cast<Connection*>(ready.data.ptr);
        now = Clock::now();
        const bool open = turn(connection, [&](const bare::Frame&) {
          auto& start = connection.started[connection.oldest];
          samples.add(now - start);
          connection.oldest = (connection.oldest + 1) % outstanding_;
          --under_way;
          if (now >= deadline) return;
          start = now;
          connection.queue(request_);
          ++under_way;
        });
        if (!open) bare::fail("the server has gone");
      }
    }
  }

 private:
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const std::vector<std::byte> request_;
  const std::size_t outstanding_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

void measure(const bare::Arguments& arguments) {
  const std::size_t outstanding =
      arguments.mode == bare::Mode::pipe ? arguments.outstanding : std::size_t{1};
  const auto during =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.seconds));
  bare::Samples samples;
  Load load(arguments, outstanding);
  load.run(during / 10, samples);  // warms up
  samples.clear();
  const auto start = Clock::now();
  load.run(during, samples);
  bare::print({arguments.endpoint, bare::to_text(arguments.mode), arguments.size, arguments.clients,
               outstanding, Clock::now() - start, samples.count()},
              samples);
}

}  // namespace

int main(int argc, char** argv) {
  const bare::Arguments arguments = bare::parse_arguments(argc, argv);
  if (arguments.mode == bare::Mode::oneway) {
    std::fprintf(stderr, "this program has no mode oneway\n");
    return 2;
  }
  if (arguments.role == bare::Role::serve) serve(arguments);
  measure(arguments);
  return 0;
}
