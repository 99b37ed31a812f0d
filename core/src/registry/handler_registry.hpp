// The handlers of a node, by name.
#pragma once

#include <trestle/handler.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/permits.hpp"

namespace trestle::registry {

/// Who may register a name that starts with '_'.
enum class Owner { application, system };

/// A registered handler and its permits. Lifetime: shared with every run under way.
struct Entry : std::enable_shared_from_this<Entry> {
  explicit Entry(Handler h) : handler(std::move(h)), permits(handler.options.concurrency_max) {}

  Handler handler;
  dispatch::Permits permits;
};

/// Threads: any. A handler added is found by the next message.
class HandlerRegistry {
 public:
  /// Errors: invalid_argument, name_too_long, reserved_name, handler_exists, and shut_down after
  /// close(); nothing is changed.
  Result<void> add(Handler handler, Owner owner = Owner::application);

  /// Null if there is none.
  std::shared_ptr<Entry> find(std::string_view name) const;

  std::vector<std::string> names() const;

  /// Drops every handler, with what its function holds, and the messages that wait for a permit.
  /// A function often holds a Peer, and through it the node.
  void close();

 private:
  using Entries = std::map<std::string, std::shared_ptr<Entry>, std::less<>>;

  mutable std::shared_mutex mutex_;
  Entries entries_;
  bool closed_ = false;
};

}  // namespace trestle::registry
