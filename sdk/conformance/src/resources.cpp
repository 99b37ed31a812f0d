// Counts from /proc/self.
#include "resources.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <string>

namespace trestle::conformance {
namespace {

std::size_t entries(const char* directory) {
  const std::filesystem::directory_iterator all(directory);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

std::size_t open_descriptors() {
  return entries("/proc/self/fd");
}
std::size_t running_threads() {
  return entries("/proc/self/task");
}

std::size_t heap_bytes() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

std::size_t peak_memory_bytes() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::size_t>(used.ru_maxrss) * 1024;
}

std::set<int> descriptor_numbers() {
  std::set<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    numbers.insert(std::stoi(entry.path().filename()));
  }
  return numbers;
}

}  // namespace trestle::conformance
