// Reading and writing hot frames allocates nothing. Replaces operator new of this executable.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <variant>

#include "wire/packet.hpp"

namespace {
int allocations = 0;
}  // namespace

// Not inline: GCC takes the free() below for a mismatch where it sees only one of the pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace trestle::wire {
namespace {

Request named_request() {
  Request request;
  request.handler = 1;
  request.handler_name = "a handler's name that no small string holds";
  request.payload = as_bytes("payload");
  return request;
}

void append_hot_frames(Buffer& packet) {
  const CallId call = CallId::make(1, 1);
  begin_packet(packet);
  append(packet, named_request());
  append(packet, Reply{call, Codec::msgpack, as_bytes("reply")});
  append(packet, Ack{call});
  append(packet, Accepted{call});
  append(packet, Nack{call, Errc::overloaded, Ran::no, "a text that no small string holds"});
  append(packet, Window{5});
}

TEST(PacketReader, AllocatesNothingForHotFrames) {
  Buffer packet;
  append_hot_frames(packet);
  PacketReader reader(BytesView(packet), 4096);
  const int before = allocations;

  int frames = 0;
  while (auto frame = reader.next().value()) frames += frame->index() != 0 ? 1 : 0;
  const int after = allocations;

  EXPECT_EQ(frames, 6);
  EXPECT_EQ(after - before, 0);
}

TEST(PacketReader, AllocatesForErrorsSoThatThisTestCanFail) {
  PacketReader reader(as_bytes("short"), 4096);
  const int before = allocations;

  EXPECT_TRUE(reader.next().has_error());

  EXPECT_GT(allocations, before);
}

TEST(PacketWriter, AllocatesNothingInABufferWithRoom) {
  Buffer packet;
  packet.reserve(1024);
  const int before = allocations;

  append_hot_frames(packet);
  const int after = allocations;

  EXPECT_EQ(after - before, 0);
}

}  // namespace
}  // namespace trestle::wire
