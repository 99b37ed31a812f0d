// A host that gives out memory, counts it, and can run out of it.
#pragma once

#include <trestle/sdk/host.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace trestle::sdk::testing {

class CountingHost {
 public:
  CountingHost() {
    table_.size = sizeof(tt_host);
    table_.ctx = this;
    table_.wake = [](const tt_host*) {};
    table_.now = [](const tt_host*) -> std::uint64_t { return 0; };
    table_.log = [](const tt_host*, std::int32_t, const char*) {};
    table_.alloc = [](const tt_host* table, std::size_t size, std::size_t align) -> void* {
      auto& self = *static_cast<CountingHost*>(table->ctx);
      if (size > self.bytes_max) return nullptr;
      self.live_bytes += size;
      ++self.allocations;
      return ::operator new(size, std::align_val_t(align));
    };
    table_.dealloc = [](const tt_host* table, void* p, std::size_t size, std::size_t align) {
      static_cast<CountingHost*>(table->ctx)->live_bytes -= size;
      ::operator delete(p, std::align_val_t(align));
    };
    table_.extension = [](const tt_host*, const char*) -> const void* { return nullptr; };
  }
  CountingHost(const CountingHost&) = delete;
  CountingHost& operator=(const CountingHost&) = delete;

  Host host() const { return Host(&table_); }

  std::size_t bytes_max = SIZE_MAX;  ///< larger requests fail
  std::size_t live_bytes = 0;
  std::size_t allocations = 0;

 private:
  tt_host table_{};
};

}  // namespace trestle::sdk::testing
