// What the writer refuses, cuts and leaves to the sender.
#include <gtest/gtest.h>

#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

std::string refusal(const Hello& hello) {
  Buffer out;
  const auto appended = append(out, hello);
  EXPECT_TRUE(out.empty());
  if (appended) return "appended";
  EXPECT_TRUE(appended.error().is(Errc::invalid_argument));
  return appended.error().text;
}

TEST(PacketWriter, LeavesThePayloadToTheSender) {
  for (const std::string_view name : {"sum", ""}) {
    const Request request{.call = CallId::make(2, 3),
                          .handler = 7,
                          .codec = Codec::json,
                          .deadline_ms = 250,
                          .handler_name = name,
                          .payload = as_bytes("abc")};
    const Reply reply{CallId::make(1, 1), Codec::json, as_bytes("[1]")};
    Buffer whole;
    append(whole, request);
    append(whole, reply);

    Buffer gathered;
    append_without_payload(gathered, request);
    gathered.append(request.payload);
    append_without_payload(gathered, reply);
    gathered.append(reply.payload);

    EXPECT_EQ(gathered, whole) << name;
  }
}

TEST(PacketWriter, KnowsHowManyBytesARequestTakes) {
  for (const std::string_view name : {"", "n", "wordcount"}) {
    Request request;
    request.handler_name = name;
    request.payload = as_bytes("payload");
    Buffer out;

    append(out, request);

    EXPECT_EQ(encoded_bytes(request), out.size());
    EXPECT_EQ(named_request_bytes(name.size(), request.payload.size()), out.size());
  }
}

TEST(PacketWriter, KnowsHowManyBytesAReplyTakes) {
  const Reply reply{CallId::make(1, 1), Codec::bytes, as_bytes("payload")};
  Buffer out;

  append(out, reply);

  EXPECT_EQ(encoded_bytes(reply), out.size());
}

TEST(PacketWriter, KnowsHowManyBytesBlocksTake) {
  const std::string long_type(300, 't');
  Request request{.handler_name = "sum", .payload = as_bytes("payload")};
  request.headers = {{"a", "b"}, {"name", ""}};
  request.expected_response = Expectation::Response::typed;
  request.expected_type = long_type;
  const Accepted accepted{CallId::make(1, 1), HandlerKind::unary, long_type, "Sum"};
  const Reply reply{CallId::make(1, 1), Codec::bytes, as_bytes("payload"), {{"a", "b"}}};
  Buffer requests;
  Buffer receipts;
  Buffer replies;

  append(requests, request);
  append(receipts, accepted);
  append(replies, reply);

  EXPECT_EQ(encoded_bytes(request), requests.size());
  EXPECT_EQ(encoded_bytes(accepted), receipts.size());
  EXPECT_EQ(encoded_bytes(reply), replies.size());
}

TEST(PacketWriter, CutsNamesOfTypesAtACharacter) {
  const std::string type = std::string(254, 't') + "ü";
  Request request{.handler = 1};
  request.expected_response = Expectation::Response::typed;
  request.expected_type = type;

  const Reading reading =
      read(packet_of(request, Accepted{CallId::make(1, 1), HandlerKind::ack, type, type}));

  const std::string cut(254, 't');
  EXPECT_EQ(std::get<Request>(reading.frames.at(0)).expected_type, cut);
  EXPECT_EQ(std::get<Accepted>(reading.frames.at(1)).request_type, cut);
  EXPECT_EQ(std::get<Accepted>(reading.frames.at(1)).response_type, cut);
}

TEST(PacketWriter, SpendsAtMost48BytesOnAHotRequest) {
  Request request;
  request.handler = 1;

  EXPECT_EQ(encoded_bytes(request), 32u);
}

TEST(PacketWriter, CutsATextAtTheLimit) {
  const std::string text(text_bytes_max + 1, 'x');
  const Bytes packet = packet_of(Goodbye{Errc::draining, text});

  const Reading reading = read(packet);

  EXPECT_EQ(std::get<Goodbye>(reading.frames.at(0)).text, std::string(text_bytes_max, 'x'));
}

TEST(PacketWriter, KeepsCharactersWholeWhenItCuts) {
  for (const std::string_view character : {"ä", "€", "😀"}) {
    for (std::size_t shift = 0; shift < character.size(); ++shift) {
      const std::string whole(text_bytes_max - character.size() + 1 + shift, 'x');
      const std::string text = whole + std::string(character);

      const Reading reading = read(packet_of(Nack{{}, Errc::handler_failed, Ran::yes, text}));

      EXPECT_EQ(std::get<Nack>(reading.frames.at(0)).text, whole);
    }
  }
}

TEST(PacketWriter, CutsATextThatIsNoUtf8NearTheLimit) {
  const std::string text(text_bytes_max * 2, '\x80');

  const Reading reading = read(packet_of(Goodbye{Errc::draining, text}));

  EXPECT_EQ(std::get<Goodbye>(reading.frames.at(0)).text.size(), text_bytes_max - 3);
}

TEST(PacketWriter, RefusesTooManyEndpoints) {
  Hello hello;
  hello.endpoints.assign(17, "tcp://h:1");

  EXPECT_EQ(refusal(hello), "hello: number of endpoints is 17, above the limit of 16");
}

TEST(PacketWriter, RefusesAnEmptyEndpoint) {
  Hello hello;
  hello.endpoints = {"tcp://h:1", ""};

  EXPECT_EQ(refusal(hello), "hello: an endpoint is empty");
}

TEST(PacketWriter, RefusesALongEndpointByItsBeginning) {
  const std::string endpoint = "unix:///" + std::string(248, 'e');
  Hello hello;
  hello.endpoints = {endpoint};

  EXPECT_EQ(refusal(hello), "hello: bytes of an endpoint are 256, above the limit of 255: " +
                                endpoint.substr(0, 32) + "…");
}

TEST(PacketWriter, RefusesLongAuthentication) {
  const std::string secret(1025, 's');
  Hello hello;
  hello.authentication = as_bytes(secret);

  EXPECT_EQ(refusal(hello), "hello: bytes of authentication are 1025, above the limit of 1024");
}

TEST(PacketWriter, RefusesAHelloAboveTheLimitOfFirstFrames) {
  const std::string endpoint(255, 'e');
  Hello hello;
  hello.endpoints.assign(16, endpoint);

  EXPECT_EQ(refusal(hello),
            "hello: bytes of the frame are 4216, above the limit of 4096; advertise fewer or "
            "shorter endpoints");
}

TEST(PacketWriter, RefusesAnEmptyVersionRange) {
  Hello hello;
  hello.version_min = 2;

  EXPECT_EQ(refusal(hello), "hello: version_min is 2, above version_max, which is 1");
}

}  // namespace
}  // namespace trestle::wire::testing
