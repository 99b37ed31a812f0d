// A queue each way between the caller and a thread that may take its time.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <trestle/transport_kit/name_lookups.hpp>
#include <trestle/transport_kit/socket_error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <utility>

namespace trestle::transport_kit {

/// What both threads see; the one that ends last frees it.
struct NameLookups::State {
  State() : answered(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  struct Asked {
    std::uint64_t number = 0;
    Question question;
  };
  struct Answered {
    std::uint64_t number = 0;
    Answer answer;
  };

  const FileDescriptor answered;  ///< readable while there are answers
  std::mutex mutex;
  std::condition_variable asked;
  std::deque<Asked> questions;
  std::vector<Answered> answers;
  bool stopping = false;
  bool looking_up = false;

  void add_answer(std::uint64_t number, Answer answer) {
    answers.push_back({number, std::move(answer)});
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the descriptor is readable anyway.
    [[maybe_unused]] const auto written = ::write(answered.get(), &one, sizeof(one));
  }
};

namespace {

namespace ip = boost::asio::ip;

using Question = NameLookups::Question;
using Answer = NameLookups::Answer;

Answer failed(const Question& question, const std::string& why) {
  return {{}, "cannot look up the host name \"" + question.name.substr(0, 100) + "\": " + why};
}

Answer look_up(const Question& question) {
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
  Answer answer;
  for (const auto& result : results) {
    const ip::tcp::endpoint endpoint = result.endpoint();
    answer.addresses.emplace_back(endpoint.data(), endpoint.size());
  }
  return answer.addresses.empty() ? failed(question, error.message()) : answer;
}

/// Making the io_context throws when descriptors or memory run out.
Answer look_up_safely(const Question& question) {
  try {
    return look_up(question);
  } catch (const std::exception& e) {
    return failed(question, e.what());
  }
}

/// The process's signals belong to the application's threads.
std::thread start_without_signals(auto body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  std::exception_ptr failure;
  try {
    thread = std::thread(std::move(body));
    pthread_setname_np(thread.native_handle(), "trestle-lookup");
  } catch (...) {
    failure = std::current_exception();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failure) std::rethrow_exception(failure);
  return thread;
}

}  // namespace

sdk::Error NameLookups::refusal() {
  return sdk::Error(TT_E_UNSUPPORTED,
                    "looking up a host name needs a thread, and the host allows none: give a "
                    "literal address");
}

NameLookups::NameLookups(Loop& loop) : loop_(loop), state_(std::make_shared<State>()) {}

NameLookups::~NameLookups() {
  if (is_watched_) loop_.unwatch(state_->answered.get());
  loop_.forget(*this);
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

void NameLookups::ask(const void* asker, Question question, OnAnswer on_answer) {
  const std::uint64_t number = next_number_++;
  waiting_.emplace(number, Waiting{asker, std::move(on_answer)});
  try {
    start_thread();
    const std::lock_guard lock(state_->mutex);
    state_->questions.push_back({number, std::move(question)});
  } catch (const std::exception& e) {
    const std::lock_guard lock(state_->mutex);
    state_->add_answer(number, failed(question, e.what()));
    loop_.enqueue(*this);
    loop_.host().wake();
  }
  state_->asked.notify_one();
}

void NameLookups::start_thread() {
  if (!is_watched_) {
    const int fd = state_->answered.get();
    const int error = fd < 0 ? EMFILE : loop_.watch(fd, *this, EPOLLIN);
    if (error != 0) throw std::system_error(error, std::generic_category());
    is_watched_ = true;
  }
  if (!thread_.joinable()) thread_ = start_without_signals([state = state_] { run(state); });
}

void NameLookups::forget(const void* asker) {
  std::erase_if(waiting_, [&](const auto& entry) { return entry.second.asker == asker; });
}

void NameLookups::work() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(state_->answered.get(), &count, sizeof(count));
  std::vector<State::Answered> answers;
  {
    const std::lock_guard lock(state_->mutex);
    answers.swap(state_->answers);
  }
  for (auto& [number, answer] : answers) {
    auto asked = waiting_.extract(number);
    if (!asked.empty()) asked.mapped().on_answer(std::move(answer));
  }
}

void NameLookups::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->asked.wait(lock, [&] { return state->stopping || !state->questions.empty(); });
    if (state->stopping) return;
    const State::Asked next = std::move(state->questions.front());
    state->questions.pop_front();
    state->looking_up = true;
    lock.unlock();
    Answer answer = look_up_safely(next.question);
    lock.lock();
    state->looking_up = false;
    if (state->stopping) return;
    state->add_answer(next.number, std::move(answer));
  }
}

}  // namespace trestle::transport_kit
