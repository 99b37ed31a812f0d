// The mapping: a head, a page for each client, the entries.
#include "ledger.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace trestle::scenarios {
namespace {

struct Head {
  std::atomic<bool> is_over;
  std::atomic<std::uint64_t> runs;
};

constexpr std::size_t head_bytes = 64;
static_assert(sizeof(Head) <= head_bytes);

[[noreturn]] void fail(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

}  // namespace

Ledger::Ledger(Size size) : size_(size), descriptor_(::memfd_create("conservation", 0)) {
  if (descriptor_ < 0) fail("memfd_create");
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes())) != 0) fail("ftruncate");
  map();
}

Ledger::Ledger(Size size, int descriptor) : size_(size), descriptor_(descriptor) {
  map();
}

Ledger::~Ledger() {
  ::munmap(memory_, bytes());
  ::close(descriptor_);
}

std::size_t Ledger::bytes() const noexcept {
  return head_bytes + size_.clients * (sizeof(ClientPage) + size_.messages_max * sizeof(Entry));
}

void Ledger::map() {
  memory_ = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (memory_ == MAP_FAILED) fail("mmap");
  // Zeros are what all of these begin with: nothing is to be constructed.
  auto* at = static_cast<std::byte*>(memory_);
  auto* head = reinterpret_cast<Head*>(at);
  is_over_ = &head->is_over;
  runs_ = &head->runs;
  pages_ = reinterpret_cast<ClientPage*>(at + head_bytes);
  entries_ = reinterpret_cast<Entry*>(pages_ + size_.clients);
}

}  // namespace trestle::scenarios
