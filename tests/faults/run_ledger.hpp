// How often each call ran, in memory that several processes share.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace trestle::faults {

/// A file of counters, mapped by whoever opens it. Threads: any, of any process.
class RunLedger {
 public:
  static constexpr std::size_t calls_max = 1u << 20;

  explicit RunLedger(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void* mapped = MAP_FAILED;
    if (descriptor >= 0 && ::ftruncate(descriptor, calls_max) == 0) {
      mapped = ::mmap(nullptr, calls_max, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    }
    if (descriptor >= 0) ::close(descriptor);
    if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + file);
    runs_ = static_cast<std::atomic<std::uint8_t>*>(mapped);
  }
  ~RunLedger() { ::munmap(runs_, calls_max); }
  RunLedger(const RunLedger&) = delete;
  RunLedger& operator=(const RunLedger&) = delete;

  void note(int number) { ++runs_[static_cast<std::size_t>(number) % calls_max]; }
  int runs_of(int number) const { return runs_[static_cast<std::size_t>(number) % calls_max]; }

 private:
  std::atomic<std::uint8_t>* runs_;
};

}  // namespace trestle::faults
