// The policy of libzmq's threads, and of threads that are none of its business.
#include <gmock/gmock.h>

#include <trestle/thin_transport.h>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "../src/context.hpp"
#include "../src/io_threads.hpp"

namespace trestle::zeromq {
namespace {

/// A thread that does nothing, under a name.
class NamedThread {
 public:
  explicit NamedThread(const std::string& name, int policy = SCHED_OTHER)
      : thread_([this, name] {
          ::pthread_setname_np(::pthread_self(), name.c_str());
          id_.store(::gettid());
          id_.notify_all();
          ended_.wait(false);
        }) {
    id_.wait(0);
    set_policy(policy);
  }
  ~NamedThread() {
    ended_.store(true);
    ended_.notify_all();
    thread_.join();
  }

  int policy() const { return ::sched_getscheduler(id_.load()); }
  void set_policy(int policy) const {
    const sched_param normal{};
    ASSERT_EQ(::sched_setscheduler(id_.load(), policy, &normal), 0);
  }

 private:
  std::atomic<pid_t> id_{0};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

class IoThreadsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::sched_getscheduler(0) != SCHED_OTHER) GTEST_SKIP() << "not with the usual policy";
  }
};

TEST_F(IoThreadsTest, TheThreadsOfTheContextWaitAndNoOthers) {
  const NamedThread first("41/ZMQbg/IO/0");
  const NamedThread second("41/ZMQbg/IO/1");
  const NamedThread reaper("41/ZMQbg/Reaper");
  const NamedThread of_another_context("4/ZMQbg/IO/0");
  const NamedThread of_the_application("ZMQbg/IO/0");
  IoThreads threads(41, 2);

  threads.wait_for_offers(true);

  EXPECT_EQ(first.policy(), SCHED_BATCH);
  EXPECT_EQ(second.policy(), SCHED_BATCH);
  EXPECT_EQ(reaper.policy(), SCHED_OTHER);
  EXPECT_EQ(of_another_context.policy(), SCHED_OTHER);
  EXPECT_EQ(of_the_application.policy(), SCHED_OTHER);

  threads.wait_for_offers(false);

  EXPECT_EQ(first.policy(), SCHED_OTHER);
  EXPECT_EQ(second.policy(), SCHED_OTHER);
}

TEST_F(IoThreadsTest, APolicyThatSomebodyElseSetsLaterIsKept) {
  const NamedThread thread("44/ZMQbg/IO/0");
  IoThreads threads(44, 1);
  threads.wait_for_offers(true);

  thread.set_policy(SCHED_IDLE);

  threads.wait_for_offers(false);
  EXPECT_EQ(thread.policy(), SCHED_IDLE);
  threads.wait_for_offers(true);
  EXPECT_EQ(thread.policy(), SCHED_IDLE);
}

TEST_F(IoThreadsTest, WhereSomebodyElseUsesTheNumberAllAreLeftAlone) {
  const NamedThread own("45/ZMQbg/IO/0");
  const NamedThread foreign("45/ZMQbg/IO/0");
  IoThreads threads(45, 1);

  for (int i = 0; i < 3; ++i) {
    threads.wait_for_offers(true);
    EXPECT_EQ(own.policy(), SCHED_OTHER);
    EXPECT_EQ(foreign.policy(), SCHED_OTHER);
    threads.wait_for_offers(false);
  }
}

TEST_F(IoThreadsTest, APolicyThatSomebodyElseSetIsKept) {
  const NamedThread low("42/ZMQbg/IO/0", SCHED_IDLE);
  IoThreads threads(42, 1);

  threads.wait_for_offers(true);
  EXPECT_EQ(low.policy(), SCHED_IDLE);
  threads.wait_for_offers(false);
  EXPECT_EQ(low.policy(), SCHED_IDLE);
}

TEST_F(IoThreadsTest, AThreadThatStartsLateIsFound) {
  IoThreads threads(43, 1);
  threads.wait_for_offers(true);
  threads.wait_for_offers(false);
  const NamedThread late("43/ZMQbg/IO/0");

  threads.wait_for_offers(true);

  EXPECT_EQ(late.policy(), SCHED_BATCH);
}

/// How many threads of this process are like that.
int threads_of(const std::function<bool(const std::string& name, pid_t)>& is_like_that) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (is_like_that(name, std::stoi(entry.path().filename()))) ++count;
  }
  return count;
}

/// libzmq's threads name themselves, some time after they were started.
void wait_for_threads_of_libzmq(int count) {
  while (threads_of([](const std::string& name, pid_t) {
           return name.find("/ZMQbg/IO/") != std::string::npos;
         }) < count) {
    std::this_thread::yield();
  }
}

int threads_in_batch() {
  return threads_of(
      [](const std::string&, pid_t thread) { return ::sched_getscheduler(thread) == SCHED_BATCH; });
}

tt_host idle_host() {
  tt_host host{};
  host.size = sizeof(host);
  host.wake = [](const tt_host*) {};
  host.now = [](const tt_host*) -> std::uint64_t {
    static std::uint64_t now = 0;
    return now += 100;
  };
  host.log = [](const tt_host*, std::int32_t, const char*) {};
  host.alloc = [](const tt_host*, std::size_t size, std::size_t) { return std::malloc(size); };
  host.dealloc = [](const tt_host*, void* p, std::size_t, std::size_t) { std::free(p); };
  host.extension = [](const tt_host*, const char*) -> const void* { return nullptr; };
  return host;
}

TEST_F(IoThreadsTest, ThoseOfLibzmqAreFound) {
  const tt_host host = idle_host();
  SocketOptions options;
  options.io_threads = 2;
  options.max_sockets = 16;
  const auto context = Context::create(sdk::Host(&host), options);
  ASSERT_TRUE(context.has_value());

  wait_for_threads_of_libzmq(2);
  (*context)->threads().wait_for_offers(true);

  EXPECT_EQ(threads_in_batch(), 2);
}

TEST_F(IoThreadsTest, TheyDoNotWaitWhileTheContextEnds) {
  const tt_host host = idle_host();
  const auto context = Context::create(sdk::Host(&host), SocketOptions());
  ASSERT_TRUE(context.has_value());
  const zmq::socket_t holds_it((*context)->zmq(), zmq::socket_type::dealer);
  wait_for_threads_of_libzmq(1);
  (*context)->threads().wait_for_offers(true);
  ASSERT_EQ(threads_in_batch(), 1);

  (*context)->begin_end();

  EXPECT_EQ(threads_in_batch(), 0);
}

/// The module as a host has it.
class Plugin {
 public:
  Plugin() : library_(::dlopen(TRESTLE_PLUGIN_UNDER_TEST, RTLD_NOW | RTLD_LOCAL)) {
    tt_open_params params{};
    params.size = sizeof(params);
    params.scheme = "zmq+ipc";
    params.rx_max_msg = 1 << 20;
    params.tx_hwm_bytes = 1 << 20;
    plugin_ = static_cast<const tt_plugin*>(::dlsym(library_, "tt_plugin_v1"));
    plugin_->ops->open(&host_, &params, &transport_, nullptr);
  }
  ~Plugin() {
    plugin_->ops->shutdown(transport_, 0);
    while (plugin_->ops->destroy(transport_) != TT_OK) progress();
    ::dlclose(library_);
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  tt_status listen() {
    return plugin_->ops->listen(transport_, "zmq+ipc://*", nullptr, &listener_, nullptr);
  }
  void unlisten() { plugin_->ops->unlisten(transport_, listener_); }
  /// How many events there were.
  std::int32_t progress() {
    tt_event events[8];
    return plugin_->ops->progress(transport_, events, 8);
  }
  void arm() {
    std::uint64_t deadline = 0;
    plugin_->ops->arm(transport_, &deadline);
  }

 private:
  const tt_host host_ = idle_host();
  void* library_;
  const tt_plugin* plugin_ = nullptr;
  tt_transport* transport_ = nullptr;
  tt_listener* listener_ = nullptr;
};

/// The plugin tells of it, after a look in vain or more.
void find_something(Plugin& plugin) {
  plugin.progress();
  ASSERT_EQ(plugin.listen(), TT_OK);
  plugin.unlisten();
  while (plugin.progress() == 0) {
  }
}

TEST_F(IoThreadsTest, TheyWaitWhileTheHostPollsAndNotWhileItSleeps) {
  Plugin plugin;
  ASSERT_EQ(plugin.listen(), TT_OK);
  wait_for_threads_of_libzmq(1);
  for (int looks = 0; looks < 100; ++looks) plugin.progress();
  EXPECT_EQ(threads_in_batch(), 0) << "to poll has not paid yet";

  for (int idle_times = 0; idle_times < 4; ++idle_times) find_something(plugin);
  for (int looks = 0; looks < 4; ++looks) plugin.progress();
  EXPECT_EQ(threads_in_batch(), 1);

  plugin.arm();
  EXPECT_EQ(threads_in_batch(), 0);
}

}  // namespace
}  // namespace trestle::zeromq
