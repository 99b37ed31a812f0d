// One example of every frame, as value and as bytes.
#include "golden_frames.hpp"

#include <cctype>

namespace trestle::wire::testing {
namespace {

constexpr CallId call = CallId::make(5, 2);

Hello hello() {
  Hello hello;
  hello.instance = InstanceId::from_halves(0x0011223344556677, 0x8899aabbccddeeff);
  hello.incarnation = 3;
  hello.connection = 1;
  for (std::uint8_t i = 0; i < 16; ++i) hello.host[i] = static_cast<std::uint8_t>(0xa0 + i);
  hello.frame_bytes_max = 64 << 20;
  hello.window = 256;
  hello.endpoints = {"tcp://127.0.0.1:7000"};
  hello.authentication = as_bytes("key");
  return hello;
}

Request request(std::string_view handler_name) {
  Request request;
  request.call = call;
  request.handler = 1;
  request.mode = DeliveryMode::with_response;
  request.codec = Codec::msgpack;
  request.deadline_ms = 30'000;
  request.handler_name = handler_name;
  request.payload = as_bytes("\xa1x");
  return request;
}

Request request_with_blocks() {
  Request blocks = request("");
  blocks.mode = DeliveryMode::with_receipt_and_response;
  blocks.wants_accepted = true;
  blocks.headers = {{"trace", "7"}, {"ü", ""}};
  blocks.expected_response = Expectation::Response::typed;
  blocks.expected_type = "Sum";
  return blocks;
}

/// For a request with 1 MiB of payload.
Pull pull() {
  static const Bytes head = bytes_of_hex(
      "20 00 10 00 02 00 18 00  05 00 20 00 00 00 00 00"
      "01 00 00 00 02 00 00 00  30 75 00 00 00 00 00 00");
  return {.lease = 7,
          .key = 0x1112131415161718,
          .address = 0x7f0000002000,
          .frame = BytesView(head.data(), head.size()),
          .payload_bytes = 1 << 20};
}

}  // namespace

const std::string_view golden_packet_hex =
    "54 52 53 4c 01 00 00 00"
    "10 00 00 00 04 00 08 00  05 00 20 00 00 00 00 00"
    "10 00 00 00 08 00 08 00  08 07 06 05 04 03 02 01";

const std::vector<GoldenFrame>& golden_frames() {
  static const std::vector<GoldenFrame> frames{
      {"hello", hello(),
       "67 00 00 00 01 00 5f 00  01 01 00 00 01 00 00 00  00 00 00 00 00 00 00 00"
       "00 11 22 33 44 55 66 77  88 99 aa bb cc dd ee ff  03 00 00 00 00 00 00 00"
       "a0 a1 a2 a3 a4 a5 a6 a7  a8 a9 aa ab ac ad ae af  00 00 00 04 00 01 00 00"
       "01 00 14 00 74 63 70 3a  2f 2f 31 32 37 2e 30 2e  30 2e 31 3a 37 30 30 30"
       "02 00 03 00 6b 65 79"},
      {"request, first use of a name", request("echo"),
       "2a 00 00 00 02 00 20 00  05 00 20 00 00 00 00 00  01 00 00 00 02 01 00 00"
       "30 75 00 00 00 00 00 00  01 00 04 00 65 63 68 6f  a1 78"},
      {"request", request(""),
       "22 00 00 00 02 00 18 00  05 00 20 00 00 00 00 00  01 00 00 00 02 01 00 00"
       "30 75 00 00 00 00 00 00  a1 78"},
      {"request, with headers and expectation", request_with_blocks(),
       "3c 00 00 00 02 01 32 00  05 00 20 00 00 00 00 00  01 00 00 00 04 01 00 00"
       "30 75 00 00 00 00 00 00  02 00 07 00 05 74 72 61  63 65 37"
       "02 00 03 00 02 c3 bc  03 00 04 00 02 53 75 6d  a1 78"},
      {"accepted", Accepted{call}, "10 00 00 00 03 00 08 00  05 00 20 00 00 00 00 00"},
      {"accepted, with a contract", Accepted{call, HandlerKind::unary, "Pair", "Sum"},
       "1d 00 00 00 03 00 15 00  05 00 20 00 00 00 00 00"
       "01 00 09 00 02 04 50 61  69 72 53 75 6d"},
      {"ack", Ack{call}, "10 00 00 00 04 00 08 00  05 00 20 00 00 00 00 00"},
      {"nack", Nack{call, Errc::handler_not_found, Ran::no, "no such handler"},
       "27 00 00 00 05 00 10 00  05 00 20 00 00 00 00 00  28 00 00 00 00 00 00 00"
       "6e 6f 20 73 75 63 68 20  68 61 6e 64 6c 65 72"},
      {"reply", Reply{call, Codec::msgpack, as_bytes("\xa1x")},
       "1a 00 00 00 06 00 10 00  05 00 20 00 00 00 00 00  01 00 00 00 00 00 00 00  a1 78"},
      {"reply, with headers", Reply{call, Codec::msgpack, as_bytes("\xa1x"), {{"trace", "7"}}},
       "25 00 00 00 06 00 1b 00  05 00 20 00 00 00 00 00  01 00 00 00 00 00 00 00"
       "02 00 07 00 05 74 72 61  63 65 37  a1 78"},
      {"cancel", Cancel{call}, "10 00 00 00 07 00 08 00  05 00 20 00 00 00 00 00"},
      {"ping", Ping{0x0102030405060708}, "10 00 00 00 08 00 08 00  08 07 06 05 04 03 02 01"},
      {"pong", Pong{0x0102030405060708}, "10 00 00 00 09 00 08 00  08 07 06 05 04 03 02 01"},
      {"goodbye", Goodbye{Errc::draining, "bye"},
       "13 00 00 00 0a 00 08 00  2c 00 00 00 00 00 00 00  62 79 65"},
      {"window", Window{64}, "10 00 00 00 0b 00 08 00  40 00 00 00 00 00 00 00"},
      {"pull", pull(),
       "40 00 00 00 0c 00 18 00  07 00 00 00 00 00 00 00  18 17 16 15 14 13 12 11"
       "00 20 00 00 00 7f 00 00  20 00 10 00 02 00 18 00  05 00 20 00 00 00 00 00"
       "01 00 00 00 02 00 00 00  30 75 00 00 00 00 00 00"},
      {"pulled", Pulled{7}, "10 00 00 00 0d 00 08 00  07 00 00 00 00 00 00 00"},
  };
  return frames;
}

Bytes bytes_of_hex(std::string_view hex) {
  Bytes bytes;
  std::string digits;
  for (const char c : hex) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) digits += c;
  }
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::string hex_of(BytesView bytes) {
  constexpr std::string_view digit = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty()) text += ' ';
    text += digit[std::to_integer<unsigned>(byte) >> 4];
    text += digit[std::to_integer<unsigned>(byte) & 0xF];
  }
  return text;
}

}  // namespace trestle::wire::testing
