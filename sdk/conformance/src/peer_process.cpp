// Fork, a channel of packets between the two processes, and the three roles.
#include "peer_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "bench.hpp"
#include "failure.hpp"
#include "pattern.hpp"

namespace trestle::conformance {
namespace {

constexpr char success = '=';
constexpr char failure = '!';

void say(int channel, const std::string& text) {
  // Fails only if the other process is gone, and then nobody is left to hear it.
  [[maybe_unused]] const auto sent = ::send(channel, text.data(), text.size(), MSG_NOSIGNAL);
}

std::string hear(int channel) {
  std::array<char, 1024> buffer{};
  const auto got = ::recv(channel, buffer.data(), buffer.size(), 0);
  return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
}

void drive(Driver& driver) {
  if (driver.progress() != 0 || !driver.arm()) return;
  static_cast<void>(driver.sleep(std::chrono::seconds(1)));
}

[[noreturn]] void echo_for_ever(Bench& bench, int channel, const std::string& uri) {
  Driver& driver = bench.open();
  Listener& listener = driver.listen(uri);
  say(channel, success + driver.uri_of(listener));
  while (true) {
    drive(driver);
    for (Connection* conn : listener.accepted) {
      while (!conn->arrivals.empty() && !conn->closed) {
        const Arrival arrival = std::move(conn->arrivals.front());
        conn->arrivals.pop_front();
        send_or_wait(bench, driver, *conn, arrival.bytes, TT_SEND_COPY);
      }
    }
  }
}

[[noreturn]] void chat_for_ever(Bench& bench, int channel, const std::string& uri) {
  Driver& driver = bench.open();
  Connection& conn = driver.connect(uri);
  say(channel, success + uri);
  bench.pump_until([&] { return conn.up; }, "CONNECTED");
  send_or_wait(bench, driver, conn, make_pattern(1, 100), TT_SEND_COPY);
  while (true) drive(driver);
}

[[noreturn]] void leave(int channel, const Subject& subject) {
  // Never deleted, on purpose; static, so that no leak checker minds.
  static Bench* abandoned = nullptr;
  abandoned = new Bench(subject);
  const Pair pair = connect_pair(*abandoned);
  const std::size_t packet_bytes = pair.client.fitting(5000);
  for (std::uint64_t number = 0; number < 20; ++number) {
    send_or_wait(*abandoned, pair.client, pair.out, make_pattern(number, packet_bytes),
                 TT_SEND_COPY);
  }
  expect_packet(*abandoned, pair.in, 0, packet_bytes);
  say(channel, success + pair.uri);
  std::exit(0);
}

[[noreturn]] void serve(const Subject& subject, int channel) {
  const std::string order = hear(channel);
  if (order.empty()) ::_exit(0);
  try {
    Bench bench(subject);
    const std::string uri = order.substr(1);
    switch (static_cast<PeerRole>(order.front())) {
      case PeerRole::echo:
        echo_for_ever(bench, channel, uri);
      case PeerRole::chat:
        chat_for_ever(bench, channel, uri);
      case PeerRole::leave:
        leave(channel, subject);
    }
  } catch (const Failed& failed) {
    say(channel, failure + failed.text);
  } catch (const Skipped& skipped) {
    say(channel, failure + skipped.text);
  }
  ::_exit(1);
}

/// True if the descriptor becomes readable in time.
bool wait_for(int fd, std::chrono::milliseconds bound) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(bound.count())) == 1;
}

std::string describe_end(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  return std::string("signal ") + ::strsignal(WTERMSIG(status));
}

}  // namespace

PeerProcess::PeerProcess(const Subject& subject) : patience_(subject.patience) {
  std::array<int, 2> ends{};
  expect(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0,
         "socketpair: the kit itself is out of file descriptors");
  std::fflush(nullptr);  // or the child writes the same text again
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ends[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    serve(subject, ends[1]);
  }
  ::close(ends[1]);
  channel_ = ends[0];
  expect(pid_ > 0, "fork: the kit itself is out of processes");
}

PeerProcess::~PeerProcess() {
  kill();
  ::close(channel_);
}

std::string PeerProcess::begin(PeerRole role, const std::string& uri) {
  say(channel_, static_cast<char>(role) + uri);
  expect(wait_for(channel_, patience_), "a second process: expected an answer, got none");
  const std::string answer = hear(channel_);
  expect(!answer.empty(), "a second process: expected an answer, got its end");
  if (answer.front() == failure) fail("in a second process: " + answer.substr(1));
  return answer.substr(1);
}

void PeerProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void PeerProcess::kill() {
  signal(SIGKILL);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void PeerProcess::stop() {
  signal(SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}

void PeerProcess::resume() {
  signal(SIGCONT);
}

std::string PeerProcess::wait_for_end() {
  const int ended = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  const bool in_time = ended < 0 || wait_for(ended, patience_);
  if (ended >= 0) ::close(ended);
  if (!in_time) return "no end within " + std::to_string(patience_.count()) + " s";
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return describe_end(status);
}

}  // namespace trestle::conformance
