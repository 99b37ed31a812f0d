// Headers, expectations and contracts on the wire: limits, hostile blocks, and random ones.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

constexpr CallId call = CallId::make(5, 2);

struct Block {
  unsigned type;
  std::string content;
};

Block header(std::string_view name, std::string_view value) {
  return {2, static_cast<char>(name.size()) + std::string(name) + std::string(value)};
}

void put_u16(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes.at(at) = static_cast<std::byte>(value);
  bytes.at(at + 1) = static_cast<std::byte>(value >> 8);
}

/// A packet of `frame`, which has no payload, with these blocks at the end of its header, then a
/// ping.
template <class Frame>
Bytes packet_with(const Frame& frame, const std::vector<Block>& blocks) {
  Bytes packet = packet_of(frame);
  for (const Block& block : blocks) {
    const std::size_t at = packet.size();
    packet.resize(at + 4);
    put_u16(packet, at, block.type);
    put_u16(packet, at + 2, block.content.size());
    const BytesView content = as_bytes(block.content);
    packet.insert(packet.end(), content.begin(), content.end());
  }
  put_u16(packet, 8, packet.size() - 8);
  packet.at(10) = static_cast<std::byte>((packet.size() - 8) >> 16);
  put_u16(packet, 14, packet.size() - 16);
  append(packet, Ping{99});
  return packet;
}

Bytes request_with(const std::vector<Block>& blocks) {
  return packet_with(Request{.call = call, .handler = 3, .handler_name = "echo"}, blocks);
}
Bytes reply_with(const std::vector<Block>& blocks) {
  return packet_with(Reply{call, {}, {}}, blocks);
}

/// Refused alone, with a text; the connection goes on.
void expect_rejected(const std::vector<Block>& blocks, Errc code, const std::string& text) {
  const Reading reading = read(request_with(blocks));
  ASSERT_EQ(reading.frames.size(), 2u) << "the ping behind is read as well";
  const auto* rejected = std::get_if<Rejected>(&reading.frames[0]);
  ASSERT_NE(rejected, nullptr) << "not rejected: " << text;
  EXPECT_EQ(rejected->call, call);
  EXPECT_EQ(rejected->code, code);
  EXPECT_EQ(rejected->text, "request: " + text);
  EXPECT_EQ(rejected->handler, 3u);
  EXPECT_EQ(rejected->handler_name, "echo");
}

void expect_headers_refused(const std::vector<Block>& blocks, const std::string& text) {
  expect_rejected(blocks, Errc::undecodable, text);
  const Reading reading = read(reply_with(blocks));
  ASSERT_EQ(reading.frames.size(), 2u);
  const auto* unusable = std::get_if<UnusableReply>(&reading.frames[0]);
  ASSERT_NE(unusable, nullptr) << "not refused: " << text;
  EXPECT_EQ(unusable->call, call);
  EXPECT_EQ(unusable->text, "reply: " + text);
}

void expect_taken(const std::vector<Block>& blocks) {
  const Reading request = read(request_with(blocks));
  ASSERT_FALSE(request.error) << request.error->text;
  ASSERT_TRUE(std::holds_alternative<Request>(request.frames.at(0)));
  EXPECT_EQ(std::get<Request>(request.frames[0]).headers.size(), blocks.size());
  const Reading reply = read(reply_with(blocks));
  ASSERT_TRUE(std::holds_alternative<Reply>(reply.frames.at(0)));
  EXPECT_EQ(std::get<Reply>(reply.frames[0]).headers.size(), blocks.size());
}

std::string error_of(const Bytes& packet) {
  const Reading reading = read(packet);
  if (!reading.error) return "no error";
  EXPECT_TRUE(reading.error->is(Errc::protocol_error));
  return reading.error->text;
}

std::vector<Block> many_headers(std::size_t count) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(header("h" + std::to_string(i), ""));
  return blocks;
}

/// 16 headers of 1024 bytes with their overhead; the last has `more` bytes more.
std::vector<Block> sixteen_kib_and(std::size_t more) {
  std::vector<Block> blocks;
  for (char name = 'a'; name < 'a' + 16; ++name) {
    const std::size_t value_bytes = 1024 - 5 - 1 + (name == 'p' ? more : 0);
    blocks.push_back(header(std::string(1, name), std::string(value_bytes, 'v')));
  }
  return blocks;
}

TEST(HeaderBlocks, AreTakenExactlyUpToTheirLimits) {
  expect_taken({header(std::string(255, 'n'), "")});
  expect_taken({header("n", std::string(1024, 'v'))});
  expect_taken(many_headers(128));
  expect_taken(sixteen_kib_and(0));
}

TEST(HeaderBlocks, AboveALimitRefuseTheMessageAlone) {
  expect_headers_refused({header("n", std::string(1025, 'v'))},
                         "the value of header 'n' has 1025 bytes, the limit is 1024");
  expect_headers_refused(many_headers(129), "a message has 129 headers, the limit is 128");
  expect_headers_refused(many_headers(6000), "a message has 129 headers, the limit is 128");
  expect_headers_refused(sixteen_kib_and(1),
                         "the headers of a message have 16385 bytes, the limit is 16384");
}

TEST(HeaderBlocks, WithoutANameRefuseTheMessage) {
  expect_headers_refused({header("", "value")}, "a header has no name");
}

TEST(HeaderBlocks, OfOneNameTwiceRefuseTheMessage) {
  expect_headers_refused({header("a", "1"), header("b", "2"), header("a", "1")},
                         "header 'a' comes twice");
}

TEST(HeaderBlocks, ThatEndBeforeTheirNameBreakTheProtocol) {
  EXPECT_EQ(error_of(request_with({{2, ""}})),
            "request frame at byte 8: a header of 0 bytes ends before its name, which has 0");
  EXPECT_EQ(error_of(reply_with({{2, "\x05name"}})),
            "reply frame at byte 8: a header of 5 bytes ends before its name, which has 5");
}

TEST(ExpectationBlock, OfAnUnknownResponseIsRefused) {
  expect_rejected({{3, "\x03Type"}}, Errc::kind_mismatch,
                  "expected response 3 is unknown to this node");
}

TEST(ExpectationBlock, OfALongTypeIsRefused) {
  const Reading longest = read(request_with({{3, "\x02" + std::string(255, 't')}}));

  EXPECT_EQ(std::get<Request>(longest.frames.at(0)).expected_type, std::string(255, 't'));
  expect_rejected({{3, "\x02" + std::string(256, 't')}}, Errc::undecodable,
                  "the expected type has 256 bytes, the limit is 255");
}

TEST(ExpectationBlock, EmptyOrTwiceBreaksTheProtocol) {
  EXPECT_EQ(error_of(request_with({{3, ""}})), "request frame at byte 8: the expectation is empty");
  EXPECT_EQ(error_of(request_with({{3, "\x01"}, {3, "\x01"}})),
            "request frame at byte 8: two expectations");
}

TEST(ContractBlock, OfAKindThatIsNotKnownKeepsItsNumber) {
  const Reading reading = read(packet_with(Accepted{call}, {{1, {9, 1, 'A', 'B'}}}));

  const auto& accepted = std::get<Accepted>(reading.frames.at(0));
  EXPECT_EQ(accepted.kind, HandlerKind{9});
  EXPECT_EQ(to_string(*accepted.kind), "unknown");
  EXPECT_EQ(accepted.request_type, "A");
  EXPECT_EQ(accepted.response_type, "B");
}

TEST(ContractBlock, ThatIsMalformedBreaksTheProtocol) {
  const auto error = [](const std::vector<Block>& blocks) {
    return error_of(packet_with(Accepted{call}, blocks));
  };
  const std::string fits{2, 0};

  EXPECT_EQ(error({{1, "\x02"}}),
            "accepted frame at byte 8: a contract of 1 bytes ends before its request type, which "
            "has 0");
  EXPECT_EQ(error({{1, {2, 3, 'A', 'B'}}}),
            "accepted frame at byte 8: a contract of 4 bytes ends before its request type, which "
            "has 3");
  EXPECT_EQ(error({{1, fits}, {1, fits}}), "accepted frame at byte 8: two contracts");
  EXPECT_EQ(error({{1, fits + std::string(256, 't')}}),
            "accepted frame at byte 8: the response type has 256 bytes, above the limit of 255");
}

// ---- Random frames ----

class RandomFrames {
 public:
  Request request() {
    Request request{.call = {random_()}, .handler = 1 + below(9)};
    request.mode = DeliveryMode{static_cast<std::uint8_t>(below(5))};
    request.codec = Codec{static_cast<std::uint8_t>(below(3))};
    request.wants_accepted = below(2) == 0;
    request.headers = headers();
    if (below(2) == 0) {
      request.expected_response = Expectation::Response{static_cast<std::uint8_t>(below(3))};
      request.expected_type = type_ = text(20);
    }
    request.payload = as_bytes(payload_ = text(30));
    return request;
  }
  Reply reply() {
    Reply reply{.call = {random_()}, .headers = headers()};
    reply.payload = as_bytes(payload_ = text(30));
    return reply;
  }
  Accepted accepted() {
    Accepted accepted{.call = {random_()}};
    if (below(4) == 0) return accepted;
    accepted.kind = HandlerKind{static_cast<std::uint8_t>(below(3))};
    accepted.request_type = type_ = text(20);
    accepted.response_type = payload_ = text(20);
    return accepted;
  }

 private:
  // Not std::uniform_int_distribution: its numbers differ between libraries.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  std::string text(std::uint32_t bytes_max) {
    std::string text(below(bytes_max + 1), ' ');
    for (char& c : text) c = static_cast<char>(random_());
    return text;
  }
  Headers headers() {
    Headers headers;
    for (std::uint32_t i = below(6); i > 0; --i) headers.set("n" + text(8), text(40));
    return headers;
  }

  std::mt19937_64 random_{23};
  std::string type_;
  std::string payload_;
};

TEST(MessageBlocks, OfRandomContentComeBackTheSameOnBothPaths) {
  RandomFrames random;
  for (int round = 0; round < 2000; ++round) {
    Bytes packet;
    begin_packet(packet);
    append(packet, random.request());
    append(packet, random.reply());
    append(packet, random.accepted());

    const Reading reading = read(packet);

    ASSERT_FALSE(reading.error) << reading.error->text;
    ASSERT_EQ(reading.frames.size(), 3u);
    ASSERT_EQ(hex_of(packet_of(reading.frames[0], reading.frames[1], reading.frames[2])),
              hex_of(packet));
    ASSERT_EQ(difference(reading, read(packet, test_frame_bytes_max, Path::plain_first)), "");
  }
}

}  // namespace
}  // namespace trestle::wire::testing
