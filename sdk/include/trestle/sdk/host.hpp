// The host's services as a transport written in C++ sees them.
#pragma once

#include <trestle/thin_transport.h>

#include <chrono>
#include <string>

namespace trestle::sdk {

/// A view of the host's table; copy it freely. Lifetime: the transport's.
/// Threads: any; these are the only calls a plugin's own thread may make.
class Host {
 public:
  /// Of the table that open() was given.
  explicit Host(const tt_host* table) noexcept : table_(table) {}

  /// Ends the host's sleep, if it sleeps. Cheap when it does not.
  void wake() const noexcept { table_->wake(table_); }

  /// Time since an arbitrary start; virtual in deterministic tests.
  std::chrono::nanoseconds now() const noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(table_->now(table_)));
  }

  /// One line of log; `level` is one of TT_LOG_*.
  void log(std::int32_t level, const std::string& text) const noexcept {
    table_->log(table_, level, text.c_str());
  }

  /// The host's memory, for what it is handed; null if there is none.
  void* allocate(std::size_t size, std::size_t align) const noexcept {
    return table_->alloc(table_, size, align);
  }
  /// Gives it back, with what it was asked for.
  void deallocate(void* p, std::size_t size, std::size_t align) const noexcept {
    table_->dealloc(table_, p, size, align);
  }

  /// A table of functions by its name; null if the host has none.
  const void* extension(const char* id) const noexcept { return table_->extension(table_, id); }
  /// For extensions, whose functions want it.
  const tt_host* table() const noexcept { return table_; }

 private:
  const tt_host* table_;
};

}  // namespace trestle::sdk
