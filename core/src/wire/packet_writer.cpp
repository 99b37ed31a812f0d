// Values out to bytes: every frame but hello.
#include "wire/checksum.hpp"
#include "wire/frame_writing.hpp"
#include "wire/plain_frame_writing.hpp"

namespace trestle::wire {
namespace {

/// At most `bytes_max` bytes of `text`, and no half of a UTF-8 character at the end.
std::string_view cut(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  // A character has at most three continuation bytes; more of them is no UTF-8, cut anywhere.
  for (int steps = 0; steps < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80;
       ++steps) {
    --end;
  }
  return text.substr(0, end);
}

std::string_view cut_type(std::string_view name) noexcept {
  return cut(name, type_name_bytes_max);
}

std::size_t header_block_bytes(const Headers& headers) noexcept {
  return headers.empty() ? 0 : headers.encoded_bytes();
}

std::size_t extension_bytes(const Request& frame) noexcept {
  std::size_t bytes = header_block_bytes(frame.headers);
  if (!frame.handler_name.empty()) bytes += extension_prefix_bytes + frame.handler_name.size();
  if (frame.expected_response) {
    bytes += extension_prefix_bytes + 1 + cut_type(frame.expected_type).size();
  }
  return bytes;
}

std::size_t extension_bytes(const Accepted& frame) noexcept {
  if (!frame.kind) return 0;
  return extension_prefix_bytes + 2 + cut_type(frame.request_type).size() +
         cut_type(frame.response_type).size();
}

std::size_t extension_bytes(const Pull& frame) noexcept {
  return frame.payload_sum ? extension_prefix_bytes + checksum_bytes : 0;
}

void start_extension(ByteWriter& writer, std::uint16_t type, std::size_t bytes) {
  writer.put(type).put(static_cast<std::uint16_t>(bytes));
}

void put_headers(ByteWriter& writer, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    start_extension(writer, extension_type::header, 1 + name.size() + value.size());
    writer.put(static_cast<std::uint8_t>(name.size())).put(as_bytes(name)).put(as_bytes(value));
  }
}

void put_expectation(ByteWriter& writer, const Request& frame) {
  const std::string_view type = cut_type(frame.expected_type);
  start_extension(writer, extension_type::request_expectation, 1 + type.size());
  writer.put(static_cast<std::uint8_t>(*frame.expected_response)).put(as_bytes(type));
}

void append_call_only(Buffer& out, FrameKind kind, CallId call) {
  start_frame(out, kind, fixed_bytes::call_only, 0).put(call.value);
}

void append_cookie(Buffer& out, FrameKind kind, std::uint64_t cookie) {
  start_frame(out, kind, fixed_bytes::cookie, 0).put(cookie);
}

void append(Buffer& out, const Request& frame, PayloadPlace place) {
  assert(frame.handler_name.size() <= handler_name_bytes_max);
  const std::uint8_t flags = frame.wants_accepted ? request_wants_accepted : 0;
  ByteWriter writer =
      start_frame(out, FrameKind::request, fixed_bytes::request + extension_bytes(frame),
                  frame.payload.size(), place, flags);
  writer.put(frame.call.value)
      .put(frame.handler)
      .put(static_cast<std::uint8_t>(frame.mode))
      .put(static_cast<std::uint8_t>(frame.codec))
      .reserve<2>()
      .put(frame.deadline_ms)
      .reserve<4>();
  if (!frame.handler_name.empty()) {
    put_extension(writer, extension_type::request_handler_name, as_bytes(frame.handler_name));
  }
  put_headers(writer, frame.headers);
  if (frame.expected_response) put_expectation(writer, frame);
  if (place == PayloadPlace::in_buffer) writer.put(frame.payload);
}

void append(Buffer& out, const Reply& frame, PayloadPlace place) {
  ByteWriter writer =
      start_frame(out, FrameKind::reply, fixed_bytes::reply + header_block_bytes(frame.headers),
                  frame.payload.size(), place);
  writer.put(frame.call.value).put(static_cast<std::uint8_t>(frame.codec)).reserve<7>();
  put_headers(writer, frame.headers);
  if (place == PayloadPlace::in_buffer) writer.put(frame.payload);
}

}  // namespace

void append(Buffer& out, const Request& frame) {
  append(out, frame, PayloadPlace::in_buffer);
}

void append_without_payload(Buffer& out, const Request& frame) {
  const bool is_plain = frame.handler_name.empty() && frame.headers.empty() &&
                        !frame.expected_response && !frame.wants_accepted;
  if (is_plain) {
    constexpr std::size_t bytes = plain_request_bytes(0);
    ByteWriter({out.extend(bytes), bytes})
        .put(plain_frame_prefix(FrameKind::request, fixed_bytes::request,
                                bytes + frame.payload.size()))
        .put(frame.call.value)
        .put(frame.handler | std::uint64_t{static_cast<std::uint8_t>(frame.mode)} << 32 |
             std::uint64_t{static_cast<std::uint8_t>(frame.codec)} << 40)
        .put(std::uint64_t{frame.deadline_ms});
    return;
  }
  append(out, frame, PayloadPlace::apart);
}

void append(Buffer& out, const Accepted& frame) {
  const std::size_t header_bytes = fixed_bytes::call_only + extension_bytes(frame);
  ByteWriter writer = start_frame(out, FrameKind::accepted, header_bytes, 0);
  writer.put(frame.call.value);
  if (!frame.kind) return;
  const std::string_view request = cut_type(frame.request_type);
  const std::string_view response = cut_type(frame.response_type);
  start_extension(writer, extension_type::accepted_contract, 2 + request.size() + response.size());
  writer.put(static_cast<std::uint8_t>(*frame.kind))
      .put(static_cast<std::uint8_t>(request.size()))
      .put(as_bytes(request))
      .put(as_bytes(response));
}

void append(Buffer& out, const Ack& frame) {
  append_call_only(out, FrameKind::ack, frame.call);
}

void append(Buffer& out, const Nack& frame) {
  const std::string_view text = cut(frame.text, text_bytes_max);
  start_frame(out, FrameKind::nack, fixed_bytes::nack, text.size())
      .put(frame.call.value)
      .put(static_cast<std::uint16_t>(frame.code))
      .put(static_cast<std::uint8_t>(frame.ran))
      .reserve<5>()
      .put(as_bytes(text));
}

void append(Buffer& out, const Reply& frame) {
  append(out, frame, PayloadPlace::in_buffer);
}

void append_without_payload(Buffer& out, const Reply& frame) {
  if (frame.headers.empty()) {
    constexpr std::size_t bytes = plain_reply_bytes(0);
    ByteWriter({out.extend(bytes), bytes})
        .put(plain_frame_prefix(FrameKind::reply, fixed_bytes::reply, bytes + frame.payload.size()))
        .put(frame.call.value)
        .put(std::uint64_t{static_cast<std::uint8_t>(frame.codec)});
    return;
  }
  append(out, frame, PayloadPlace::apart);
}

void append(Buffer& out, const Cancel& frame) {
  append_call_only(out, FrameKind::cancel, frame.call);
}

void append(Buffer& out, const Ping& frame) {
  append_cookie(out, FrameKind::ping, frame.cookie);
}

void append(Buffer& out, const Pong& frame) {
  append_cookie(out, FrameKind::pong, frame.cookie);
}

void append(Buffer& out, const Goodbye& frame) {
  const std::string_view text = cut(frame.text, text_bytes_max);
  start_frame(out, FrameKind::goodbye, fixed_bytes::goodbye, text.size())
      .put(static_cast<std::uint16_t>(frame.code))
      .reserve<6>()
      .put(as_bytes(text));
}

void append(Buffer& out, const Window& frame) {
  start_frame(out, FrameKind::window, fixed_bytes::window, 0).put(frame.credits).reserve<4>();
}

void append(Buffer& out, const Pull& frame) {
  const std::size_t header_bytes = fixed_bytes::pull + extension_bytes(frame);
  ByteWriter writer = start_frame(out, FrameKind::pull, header_bytes, frame.frame.size());
  writer.put(frame.lease).put(frame.key).put(frame.address);
  if (frame.payload_sum) {
    start_extension(writer, extension_type::pull_checksum, checksum_bytes);
    writer.put(*frame.payload_sum);
  }
  writer.put(frame.frame);
}

void append(Buffer& out, const Pulled& frame) {
  append_cookie(out, FrameKind::pulled, frame.lease);
}

std::size_t encoded_bytes(const Pull& frame) noexcept {
  return frame_prefix_bytes + fixed_bytes::pull + extension_bytes(frame) + frame.frame.size();
}

std::size_t encoded_bytes(const Request& frame) noexcept {
  return frame_prefix_bytes + fixed_bytes::request + extension_bytes(frame) + frame.payload.size();
}

std::size_t encoded_bytes(const Accepted& frame) noexcept {
  return frame_prefix_bytes + fixed_bytes::call_only + extension_bytes(frame);
}

std::size_t encoded_bytes(const Reply& frame) noexcept {
  return frame_prefix_bytes + fixed_bytes::reply + header_block_bytes(frame.headers) +
         frame.payload.size();
}

}  // namespace trestle::wire
