// Values out to bytes: every frame but hello.
#include "wire/frame_writing.hpp"

namespace trestle::wire {
namespace {

std::size_t extension_bytes(const Request& frame) noexcept {
  return frame.handler_name.empty() ? 0 : extension_prefix_bytes + frame.handler_name.size();
}

/// At most `text_bytes_max` bytes of `text`, and no half of a UTF-8 character at the end.
std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= text_bytes_max) return text;
  std::size_t end = text_bytes_max;
  // A character has at most three continuation bytes; more of them is no UTF-8, cut anywhere.
  for (int steps = 0; steps < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80;
       ++steps) {
    --end;
  }
  return text.substr(0, end);
}

void append_call_only(Buffer& out, FrameKind kind, CallId call) {
  auto head = start_frame<fixed_bytes::call_only>(kind, 0, 0);
  head.put(call.value);
  append_bytes(out, head.bytes());
}

void append_cookie(Buffer& out, FrameKind kind, std::uint64_t cookie) {
  auto head = start_frame<fixed_bytes::cookie>(kind, 0, 0);
  head.put(cookie);
  append_bytes(out, head.bytes());
}

}  // namespace

void begin_packet(Buffer& out) {
  FixedBytes<packet_header_bytes - packet_magic.size()> rest;
  rest.put(protocol_version).put(std::uint8_t{0}).reserve(2);
  append_bytes(out, packet_magic);
  append_bytes(out, rest.bytes());
}

void append_without_payload(Buffer& out, const Request& frame) {
  assert(frame.handler_name.size() <= handler_name_bytes_max);
  auto head = start_frame<fixed_bytes::request>(FrameKind::request, extension_bytes(frame),
                                                frame.payload.size());
  head.put(frame.call.value)
      .put(frame.handler)
      .put(static_cast<std::uint8_t>(frame.mode))
      .put(static_cast<std::uint8_t>(frame.codec))
      .reserve(2)
      .put(frame.deadline_ms)
      .reserve(4);
  append_bytes(out, head.bytes());
  if (!frame.handler_name.empty()) {
    append_extension(out, extension_type::request_handler_name, as_bytes(frame.handler_name));
  }
}

void append(Buffer& out, const Request& frame) {
  append_without_payload(out, frame);
  append_bytes(out, frame.payload);
}

void append(Buffer& out, const Accepted& frame) {
  append_call_only(out, FrameKind::accepted, frame.call);
}

void append(Buffer& out, const Ack& frame) {
  append_call_only(out, FrameKind::ack, frame.call);
}

void append(Buffer& out, const Nack& frame) {
  const std::string_view text = cut(frame.text);
  auto head = start_frame<fixed_bytes::nack>(FrameKind::nack, 0, text.size());
  head.put(frame.call.value)
      .put(static_cast<std::uint16_t>(frame.code))
      .put(static_cast<std::uint8_t>(frame.ran))
      .reserve(5);
  append_bytes(out, head.bytes());
  append_bytes(out, as_bytes(text));
}

void append_without_payload(Buffer& out, const Reply& frame) {
  auto head = start_frame<fixed_bytes::reply>(FrameKind::reply, 0, frame.payload.size());
  head.put(frame.call.value).put(static_cast<std::uint8_t>(frame.codec)).reserve(7);
  append_bytes(out, head.bytes());
}

void append(Buffer& out, const Reply& frame) {
  append_without_payload(out, frame);
  append_bytes(out, frame.payload);
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
  const std::string_view text = cut(frame.text);
  auto head = start_frame<fixed_bytes::goodbye>(FrameKind::goodbye, 0, text.size());
  head.put(static_cast<std::uint16_t>(frame.code)).reserve(6);
  append_bytes(out, head.bytes());
  append_bytes(out, as_bytes(text));
}

void append(Buffer& out, const Window& frame) {
  auto head = start_frame<fixed_bytes::window>(FrameKind::window, 0, 0);
  head.put(frame.credits).reserve(4);
  append_bytes(out, head.bytes());
}

std::size_t encoded_bytes(const Request& frame) noexcept {
  return frame_prefix_bytes + fixed_bytes::request + extension_bytes(frame) + frame.payload.size();
}

std::size_t encoded_bytes(const Reply& frame) noexcept {
  return frame_prefix_bytes + fixed_bytes::reply + frame.payload.size();
}

}  // namespace trestle::wire
