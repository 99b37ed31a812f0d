// Every field of every frame survives the wire, at every size.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

constexpr CallId call = CallId::make(0xABCDE, 0xFEDCBA98765);

/// Frame `T`, written and read back. The views in it point into `reading`.
template <class T>
T through_the_wire(const T& frame, Reading& reading) {
  reading = read(packet_of(frame));
  EXPECT_FALSE(reading.error) << reading.error->text;
  EXPECT_EQ(reading.frames.size(), 1u);
  return std::get<T>(reading.frames.at(0));
}

TEST(PacketReader, KeepsEveryFieldOfAHello) {
  Hello sent;
  sent.version_min = 1;
  sent.version_max = 9;
  sent.features = 0x8877665544332211;
  sent.instance = InstanceId::from_halves(1, 2);
  sent.incarnation = ~std::uint64_t{0};
  sent.connection = 0xDEADBEEF;
  std::iota(sent.host.begin(), sent.host.end(), std::uint8_t{1});
  sent.frame_bytes_max = 0xFFFFFFFF;
  sent.window = 77;
  sent.endpoints = {"unix://@x", "tcp://[::1]:80", "inproc://a"};
  sent.authentication = as_bytes("who I am");
  Reading reading;

  const Hello got = through_the_wire(sent, reading);

  EXPECT_EQ(got.version_min, sent.version_min);
  EXPECT_EQ(got.version_max, sent.version_max);
  EXPECT_EQ(got.features, sent.features);
  EXPECT_EQ(got.instance, sent.instance);
  EXPECT_EQ(got.incarnation, sent.incarnation);
  EXPECT_EQ(got.connection, sent.connection);
  EXPECT_EQ(got.host, sent.host);
  EXPECT_EQ(got.frame_bytes_max, sent.frame_bytes_max);
  EXPECT_EQ(got.window, sent.window);
  EXPECT_EQ(got.endpoints, sent.endpoints);
  EXPECT_EQ(as_text(got.authentication), "who I am");
}

TEST(PacketReader, KeepsEveryFieldOfARequest) {
  Request sent;
  sent.call = call;
  sent.handler = 0xFEDCBA98;
  sent.mode = DeliveryMode::with_receipt_and_response;
  sent.codec = Codec::json;
  sent.deadline_ms = 0xFFFFFFFE;
  sent.handler_name = "name";
  sent.payload = as_bytes("{}");
  Reading reading;

  const Request got = through_the_wire(sent, reading);

  EXPECT_EQ(got.call, sent.call);
  EXPECT_EQ(got.handler, sent.handler);
  EXPECT_EQ(got.mode, sent.mode);
  EXPECT_EQ(got.codec, sent.codec);
  EXPECT_EQ(got.deadline_ms, sent.deadline_ms);
  EXPECT_EQ(got.handler_name, sent.handler_name);
  EXPECT_EQ(as_text(got.payload), "{}");
}

TEST(PacketReader, KeepsTheBlocksOfARequest) {
  Request sent{.call = call, .handler = 1};
  sent.wants_accepted = true;
  sent.headers = {{"späť", "čas"}, {"empty", ""}, {std::string(1, '\0'), std::string(2, '\xff')}};
  sent.expected_response = Expectation::Response::bytes;
  sent.expected_type = "unused";
  Reading reading;

  const Request got = through_the_wire(sent, reading);

  EXPECT_TRUE(got.wants_accepted);
  EXPECT_EQ(got.headers, sent.headers);
  EXPECT_EQ(got.expected_response, Expectation::Response::bytes);
  EXPECT_EQ(got.expected_type, "unused");
}

TEST(PacketReader, KeepsEveryFieldOfANack) {
  Reading reading;

  const Nack got =
      through_the_wire(Nack{call, Errc::overloaded, Ran::maybe, "no room, 8 of 8"}, reading);

  EXPECT_EQ(got.call, call);
  EXPECT_EQ(got.code, Errc::overloaded);
  EXPECT_EQ(got.ran, Ran::maybe);
  EXPECT_EQ(got.text, "no room, 8 of 8");
}

TEST(PacketReader, KeepsEveryFieldOfTheOtherFrames) {
  Reading reading;

  EXPECT_EQ(through_the_wire(Accepted{call}, reading).call, call);
  EXPECT_EQ(through_the_wire(Ack{call}, reading).call, call);
  EXPECT_EQ(through_the_wire(Cancel{call}, reading).call, call);
  EXPECT_EQ(through_the_wire(Ping{42}, reading).cookie, 42u);
  EXPECT_EQ(through_the_wire(Pong{43}, reading).cookie, 43u);
  EXPECT_EQ(through_the_wire(Window{0xFFFFFFFF}, reading).credits, 0xFFFFFFFF);
  EXPECT_EQ(through_the_wire(Goodbye{Errc::shut_down, "x"}, reading).code, Errc::shut_down);
  const Reply reply = through_the_wire(Reply{call, Codec::json, as_bytes("1")}, reading);
  EXPECT_EQ(reply.call, call);
  EXPECT_EQ(reply.codec, Codec::json);
  EXPECT_EQ(as_text(reply.payload), "1");
}

TEST(PacketReader, TakesPayloadsOfEverySizeUpToTheLimit) {
  std::string payload;
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 255u, 256u, 65'535u, 65'536u, 1'000'000u}) {
    payload.assign(size, 'p');
    Reading reading;

    EXPECT_EQ(as_text(through_the_wire(Reply{call, {}, as_bytes(payload)}, reading).payload),
              payload);
  }
}

TEST(PacketReader, TakesAFrameExactlyAtTheLimit) {
  const Bytes packet = packet_of(Reply{call, {}, as_bytes("12345678")});

  EXPECT_FALSE(read(packet, 32).error);
  EXPECT_TRUE(read(packet, 31).error);
}

TEST(PacketReader, TakesHandlerNamesOfEveryLength) {
  for (std::size_t length = 1; length <= handler_name_bytes_max; ++length) {
    const std::string name(length, 'h');
    Request request;
    request.handler_name = name;
    Reading reading;

    ASSERT_EQ(through_the_wire(request, reading).handler_name, name);
  }
}

TEST(PacketReader, TakesTextsOfEveryLength) {
  for (std::size_t length = 0; length <= text_bytes_max; ++length) {
    const std::string text(length, 't');
    Reading reading;

    ASSERT_EQ(through_the_wire(Nack{call, Errc::no_reply, Ran::yes, text}, reading).text, text);
    ASSERT_EQ(through_the_wire(Goodbye{Errc::draining, text}, reading).text, text);
  }
}

TEST(PacketReader, TakesAHelloAtItsLimits) {
  const std::string endpoint(242, 'e');
  const std::string long_endpoint(endpoint_bytes_max, 'e');
  const std::string secret(authentication_bytes_max, 's');
  Hello crowded;
  crowded.endpoints.assign(hello_endpoints_max, endpoint);
  Hello heavy;
  heavy.endpoints = {long_endpoint};
  heavy.authentication = as_bytes(secret);
  Reading reading;

  EXPECT_EQ(through_the_wire(crowded, reading).endpoints, crowded.endpoints);
  EXPECT_EQ(as_text(through_the_wire(heavy, reading).authentication), secret);
  EXPECT_EQ(through_the_wire(heavy, reading).endpoints, heavy.endpoints);
  EXPECT_TRUE(through_the_wire(Hello{}, reading).endpoints.empty());
}

TEST(PacketReader, YieldsNothingFromAPacketWithoutFrames) {
  const Reading reading = read(packet_of());

  EXPECT_FALSE(reading.error);
  EXPECT_TRUE(reading.frames.empty());
}

TEST(PacketReader, YieldsFramesInTheirOrder) {
  const Reading reading = read(packet_of(Ping{1}, Ack{call}, Ping{2}, Request{.handler = 1}));

  ASSERT_EQ(reading.frames.size(), 4u);
  EXPECT_EQ(std::get<Ping>(reading.frames[0]).cookie, 1u);
  EXPECT_TRUE(std::holds_alternative<Ack>(reading.frames[1]));
  EXPECT_EQ(std::get<Ping>(reading.frames[2]).cookie, 2u);
  EXPECT_TRUE(std::holds_alternative<Request>(reading.frames[3]));
}

TEST(PacketReader, PointsIntoThePacketInsteadOfCopying) {
  const Bytes packet = packet_of(Reply{call, {}, as_bytes("payload")});
  PacketReader reader(BytesView(packet), test_frame_bytes_max);

  const auto frame = reader.next().value();

  EXPECT_EQ(std::get<Reply>(*frame).payload.data(), packet.data() + packet.size() - 7);
}

TEST(PacketReader, StaysAtItsEndAfterAnError) {
  Bytes packet = packet_of(Ack{call}, Ping{1});
  packet[packet_header_bytes] = std::byte{7};  // below the prefix
  PacketReader reader(BytesView(packet), test_frame_bytes_max);

  EXPECT_TRUE(reader.next().has_error());
  const auto after = reader.next();

  ASSERT_TRUE(after.has_value());
  EXPECT_FALSE(after->has_value());
}

TEST(PacketReader, ReadsPlainFramesWithoutAVariant) {
  const Bytes packet = packet_of(Request{.call = call,
                                         .handler = 3,
                                         .mode = DeliveryMode::with_response,
                                         .codec = Codec::msgpack,
                                         .deadline_ms = 7,
                                         .payload = as_bytes("abc")},
                                 Ack{call});
  PacketReader reader(BytesView(packet), test_frame_bytes_max);

  const PlainFrame* request = reader.next_plain();
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->kind, FrameKind::request);
  EXPECT_EQ(request->call, call);
  EXPECT_EQ(request->handler, 3u);
  EXPECT_EQ(request->mode, DeliveryMode::with_response);
  EXPECT_EQ(request->codec, Codec::msgpack);
  EXPECT_EQ(request->deadline_ms, 7u);
  EXPECT_EQ(as_text(request->payload), "abc");
  EXPECT_FALSE(reader.at_end());
  const PlainFrame* ack = reader.next_plain();
  ASSERT_NE(ack, nullptr);
  EXPECT_EQ(ack->kind, FrameKind::ack);
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.next_plain(), nullptr);
}

TEST(PacketReader, LeavesWhatIsNotPlainToNext) {
  for (const Frame& frame :
       {Frame(Request{.handler = 1, .handler_name = "n"}), Frame(Request{.handler_name = "n"}),
        Frame(Ping{1}), Frame(Reply{.codec = Codec{9}}), Frame(Reply{.headers = {{"a", "b"}}}),
        Frame(Request{.handler = 1, .wants_accepted = true}),
        Frame(Request{.handler = 1, .headers = {{"a", "b"}}}),
        Frame(Request{.handler = 1, .mode = DeliveryMode{9}})}) {
    const Bytes packet = packet_of(frame);
    PacketReader reader(BytesView(packet), test_frame_bytes_max);

    EXPECT_EQ(reader.next_plain(), nullptr);
    EXPECT_TRUE(reader.next().value().has_value());
    EXPECT_TRUE(reader.at_end());
  }
}

}  // namespace
}  // namespace trestle::wire::testing
