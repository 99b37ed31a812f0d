// Looks up host names on a thread of its own, which starts with the first name.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace trestle::transport_kit {

/// Questions in, answers out in a later round. A transport that has one declares
/// TT_CAP_OWN_THREADS, and asks nothing if it was opened without threads.
/// Threads: one caller; the thread only queues answers, and makes the loop's descriptor readable.
class NameLookups final : public Pollable {
 public:
  /// What is to be found.
  struct Question {
    /// The host's.
    std::string name;
    std::uint16_t port = 0;       ///< for the addresses
    Family family = Family::any;  ///< of the addresses
  };

  /// What was found.
  struct Answer {
    /// In the order in which to try them.
    std::vector<Address> addresses;
    std::string failure;  ///< why there are no addresses
  };

  /// Called in a round.
  using OnAnswer = std::function<void(Answer)>;

  /// What to say to a name if the host allows no threads.
  static sdk::Error refusal();

  /// Lifetime: the loop's is longer.
  explicit NameLookups(Loop& loop);
  /// Never waits: a lookup that is still running cannot be interrupted, so its thread is left
  /// behind, with nothing of the transport in reach.
  ~NameLookups() override;

  /// Never waits. Whatever goes wrong comes as an answer, too.
  void ask(const void* asker, Question question, OnAnswer on_answer);
  /// The asker wants no answer any more.
  void forget(const void* asker);

 private:
  struct State;
  struct Waiting {
    const void* asker;
    OnAnswer on_answer;
  };

  void work() override;
  void start_thread();
  static void run(const std::shared_ptr<State>& state);

  Loop& loop_;
  const std::shared_ptr<State> state_;
  std::thread thread_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;  ///< by the number of the question
  std::uint64_t next_number_ = 0;
  bool is_watched_ = false;
};

}  // namespace trestle::transport_kit
