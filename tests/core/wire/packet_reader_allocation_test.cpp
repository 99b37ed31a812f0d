// Reading and writing hot frames allocates nothing.
#include <gtest/gtest.h>

#include <variant>

#include "fakes/counted_allocations.hpp"
#include "wire/packet.hpp"

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
  int frames = 0;
  const auto read_all = [&] {
    while (auto frame = reader.next().value()) frames += frame->index() != 0 ? 1 : 0;
  };

  EXPECT_EQ(fakes::allocations_of(read_all), 0u);
  EXPECT_EQ(frames, 6);
}

TEST(PacketReader, AllocatesForErrorsSoThatThisTestCanFail) {
  PacketReader reader(as_bytes("short"), 4096);

  EXPECT_GT(fakes::allocations_of([&] { EXPECT_TRUE(reader.next().has_error()); }), 0u);
}

TEST(PacketWriter, AllocatesNothingInABufferWithRoom) {
  Buffer packet;
  packet.reserve(1024);

  EXPECT_EQ(fakes::allocations_of([&] { append_hot_frames(packet); }), 0u);
}

}  // namespace
}  // namespace trestle::wire
