// Host name lookups off the calling thread.
#include "resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <mutex>
#include <utility>

namespace trestle::tcp {

struct Resolver::State {
  explicit State(sdk::Host h) : host(h) {}

  sdk::Host host;  ///< only used under `mutex`, and not once `stopping`
  std::mutex mutex;
  std::condition_variable asked;
  std::deque<Question> questions;
  std::vector<Answer> answers;
  bool stopping = false;
  bool looking_up = false;
};

namespace {

namespace ip = boost::asio::ip;

std::string failed(const Resolver::Question& question, const std::string& why) {
  return "cannot look up the host name \"" + question.name.substr(0, 100) + "\": " + why;
}

Resolver::Answer look_up(const Resolver::Question& question) {
  boost::asio::io_context context;
  ip::tcp::resolver resolver(context);
  const std::string port = std::to_string(question.port);
  boost::system::error_code error;
  ip::tcp::resolver::results_type results;
  constexpr auto flags = ip::tcp::resolver::numeric_service;
  if (question.family == Family::any) {
    results = resolver.resolve(question.name, port, flags, error);
  } else {
    const auto protocol = question.family == Family::v4 ? ip::tcp::v4() : ip::tcp::v6();
    results = resolver.resolve(protocol, question.name, port, flags, error);
  }
  Resolver::Answer answer;
  answer.id = question.id;
  for (const auto& result : results) {
    const ip::tcp::endpoint endpoint = result.endpoint();
    answer.addresses.emplace_back(endpoint.data(), endpoint.size());
  }
  if (answer.addresses.empty()) answer.failure = failed(question, error.message());
  return answer;
}

/// Making the io_context throws when descriptors or memory run out.
Resolver::Answer look_up_safely(const Resolver::Question& question) {
  Resolver::Answer answer;
  try {
    return look_up(question);
  } catch (const std::exception& e) {
    answer.failure = failed(question, e.what());
  }
  answer.id = question.id;
  return answer;
}

/// The process's signals belong to the application's threads.
std::thread start_without_signals(auto body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_setname_np(thread.native_handle(), "trestle-lookup");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

Resolver::Resolver(sdk::Host host) : state_(std::make_shared<State>(host)) {}

Resolver::~Resolver() {
  if (!thread_.joinable()) return;
  bool looking_up = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    looking_up = state_->looking_up;
  }
  state_->asked.notify_one();
  if (looking_up) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void Resolver::ask(Question question) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->questions.push_back(std::move(question));
  }
  state_->asked.notify_one();
  if (!thread_.joinable()) thread_ = start_without_signals([state = state_] { run(state); });
}

bool Resolver::has_answers() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->answers.empty();
}

std::vector<Resolver::Answer> Resolver::take_answers() {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->answers, {});
}

void Resolver::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->asked.wait(lock, [&] { return state->stopping || !state->questions.empty(); });
    if (state->stopping) return;
    const Question question = std::move(state->questions.front());
    state->questions.pop_front();
    state->looking_up = true;
    lock.unlock();
    Answer answer = look_up_safely(question);
    lock.lock();
    state->looking_up = false;
    if (state->stopping) return;
    state->answers.push_back(std::move(answer));
    // Under the lock: once the destructor has set `stopping`, the host may be gone.
    state->host.wake();
  }
}

}  // namespace trestle::tcp
