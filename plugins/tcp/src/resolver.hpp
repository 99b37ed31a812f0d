// Looks up host names on a helper thread, which starts with the first name.
#pragma once

#include <trestle/sdk/host.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <trestle/transport_kit/addresses.hpp>

namespace trestle::tcp {

using transport_kit::Address;
using transport_kit::Family;

/// Questions in, answers out later; the host is woken when there are some.
/// Threads: one caller; the helper thread only queues answers and wakes.
class Resolver {
 public:
  explicit Resolver(sdk::Host host);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Never waits: a lookup that is still running cannot be interrupted, so its thread is left
  /// behind, with nothing of the host in reach.
  ~Resolver();

  struct Question {
    std::uint64_t id;
    std::string name;
    std::uint16_t port;
    Family family;
  };

  struct Answer {
    std::uint64_t id = 0;
    std::vector<Address> addresses;
    std::string failure;  ///< why there are no addresses
  };

  void ask(Question question);
  bool has_answers() const;
  std::vector<Answer> take_answers();

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace trestle::tcp
