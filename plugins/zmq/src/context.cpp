// Starting and ending libzmq.
#include "context.hpp"

#include <trestle/transport_kit/file_descriptor.hpp>

#include <sys/eventfd.h>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>
#include <vector>

#include "zmq_error.hpp"

namespace trestle::zeromq {
namespace {

/// Whether this many descriptors can be opened. libzmq ends the process if it gets none for its
/// threads, so they are counted before it starts.
sdk::Result<> expect_descriptors(std::int64_t count) {
  std::vector<transport_kit::FileDescriptor> held;
  for (std::int64_t i = 0; i < count; ++i) {
    transport_kit::FileDescriptor next(::eventfd(0, EFD_CLOEXEC));
    if (!next) {
      return zmq_failure("libzmq needs " + std::to_string(count) + " descriptors to start", errno);
    }
    held.push_back(std::move(next));
  }
  return {};
}

/// Most likely no other context in this process has it, of this copy of the plugin, of another one
/// or of the application. Less than a thousand, as libzmq may write larger ones with a comma.
int next_number() noexcept {
  static std::atomic<std::uintptr_t> latest{reinterpret_cast<std::uintptr_t>(&latest) >> 12};
  return static_cast<int>(++latest % 1000);
}

/// Signals are for the application's threads.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Context::Context(sdk::Host host, const SocketOptions& options)
    : host_(host),
      io_threads_(options.io_threads),
      max_sockets_(options.max_sockets),
      threads_(next_number(), static_cast<std::size_t>(io_threads_)) {
  context_.set(zmq::ctxopt::io_threads, static_cast<int>(io_threads_));
  context_.set(zmq::ctxopt::max_sockets, static_cast<int>(max_sockets_));
  ::zmq_ctx_set(context_.handle(), ZMQ_THREAD_NAME_PREFIX, threads_.number());
}

sdk::Result<std::unique_ptr<Context>> Context::create(sdk::Host host,
                                                      const SocketOptions& options) {
  // Two for each of its threads, one for each socket, some that come and go.
  constexpr std::int64_t beside_threads = 12;
  const auto enough = expect_descriptors(beside_threads + 2 * options.io_threads);
  if (enough.has_error()) return enough.error();
  try {
    std::unique_ptr<Context> made(new Context(host, options));
    zmq::socket_t door(made->context_, zmq::socket_type::rep);
    door.set(zmq::sockopt::linger, 0);
    door.bind("inproc://zeromq.zap.01");
    const BlockedSignals blocked;
    made->keeper_ = std::thread([context = made.get(), door = std::move(door)]() mutable {
      context->run(std::move(door));
    });
    return made;
  } catch (const zmq::error_t& failed) {
    return zmq_failure("cannot start libzmq", failed.num());
  } catch (const std::system_error& failed) {
    return zmq_failure("cannot start a thread for libzmq", failed.code().value());
  }
}

Context::~Context() {
  begin_end();
  if (keeper_.joinable()) keeper_.join();
}

void Context::begin_end() noexcept {
  if (std::exchange(ending_, true)) return;
  threads_.wait_for_offers(false);
  context_.shutdown();
}

bool Context::has_ended() const noexcept {
  // acquire: pairs with the release in run(), after which libzmq's threads are gone.
  return ended_.load(std::memory_order_acquire);
}

void Context::run(zmq::socket_t door) noexcept {
  gate_.serve(door);
  door.close();
  context_.close();
  ended_.store(true, std::memory_order_release);
  host_.wake();
}

}  // namespace trestle::zeromq
