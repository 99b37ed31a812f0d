// A name that others connect to, and the process-wide table of such names.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "mailbox.hpp"

namespace trestle::inproc {

/// What tt_listener is. Lifetime: until its UNLISTENED event is delivered.
class Listener {
 public:
  Listener(std::string listener_name, std::shared_ptr<Mailbox> listener_mailbox,
           void* listener_user)
      : name(std::move(listener_name)), mailbox(std::move(listener_mailbox)), user(listener_user) {}

  const std::string name;
  const std::shared_ptr<Mailbox> mailbox;
  void* const user;
  bool accepting = true;  ///< guarded by the mailbox's lock
};

/// Names of this process. The one global of this plugin: inproc:// means "whoever in this process
/// listens under that name", also across nodes that know nothing of each other. Threads: any.
class NameTable {
 public:
  static NameTable& of_process();

  /// False if the name is taken.
  bool claim(const std::shared_ptr<Listener>& listener);
  void drop(const Listener& listener);
  std::shared_ptr<Listener> find(const std::string& name) const;
  /// A name that nobody uses and that was never handed out before.
  std::string make_unique_name();

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Listener>> listeners_;
  std::uint64_t last_unique_ = 0;
};

}  // namespace trestle::inproc
