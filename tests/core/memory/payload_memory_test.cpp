// What payloads ask of malloc, and that their bytes stay where they are.
#include <gtest/gtest.h>
#include <trestle/payload.hpp>

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "memory/block_allocator.hpp"

namespace trestle {
namespace {

TEST(PayloadMemory, StaysInPlaceWhenThePayloadMoves) {
  Payload first = Payload::copy("forty-two bytes, more than a string holds.");
  const BytesView view = first.view();

  Payload second = std::move(first);
  std::vector<Payload> many;
  many.push_back(std::move(second));
  many.reserve(100);

  EXPECT_EQ(many[0].data(), view.data());
  EXPECT_EQ(as_text(view), "forty-two bytes, more than a string holds.");
}

TEST(PayloadMemory, HoldsCopiesOfEverySize) {
  for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 4096u, 4097u, 65536u, 65537u, 1u << 20}) {
    const std::string bytes(size, 'x');

    const Payload payload = Payload::copy(bytes);

    EXPECT_EQ(payload.text(), bytes);
    EXPECT_FALSE(payload.is_borrowed());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(payload.data()) % 16, 0u);
  }
}

TEST(PayloadMemory, IsRecycled) {
  if (platform::sanitized) GTEST_SKIP() << "new memory each time, so that late uses are found";
  const std::byte* before = Payload::copy(std::string(100, 'a')).data();

  const Payload again = Payload::copy(std::string(120, 'b'));

  EXPECT_EQ(again.data(), before);
}

TEST(PayloadMemory, MayBeReleasedOnAnotherThread) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Payload> queue;
  bool done = false;
  std::size_t received = 0;
  std::thread reader([&] {
    std::vector<Payload> batch;
    for (bool last = false; !last;) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return done || !queue.empty(); });
        batch.swap(queue);
        last = done;
      }
      for (const Payload& payload : batch) received += payload.text() == "a message" ? 1 : 0;
      batch.clear();
    }
  });

  for (int i = 0; i < 20'000; ++i) {
    Payload payload = Payload::copy("a message");
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(payload));
    changed.notify_one();
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  }
  reader.join();

  EXPECT_EQ(received, 20'000u);
}

TEST(PayloadDraft, BecomesAPayloadOfWhatWasWritten) {
  PayloadDraft draft(100);
  ASSERT_EQ(draft.capacity(), 100u);
  std::byte* where = draft.data();
  std::memcpy(where, "hello", 5);

  const Payload payload = draft.finish(5);

  EXPECT_EQ(payload.text(), "hello");
  EXPECT_EQ(payload.data(), where);
  EXPECT_EQ(draft.capacity(), 0u);
  EXPECT_EQ(draft.data(), nullptr);
}

TEST(BlockAllocator, ServesContainers) {
  std::vector<int, memory::BlockAllocator<int>> numbers;
  for (int i = 0; i < 100'000; ++i) numbers.push_back(i);

  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(numbers[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace trestle
