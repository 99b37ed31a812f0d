// One frame's parts to its value, by kind.
#include "wire/frame_decoder.hpp"

namespace trestle::wire {
namespace {

/// What the frame asks for that this version does not understand; empty if nothing.
/// For kinds that know no extension block. Errors: malformed blocks.
Result<std::string> find_unmet(const FrameParts& parts) {
  std::string found = unmet_flags(parts);
  for (ExtensionReader extensions(parts); !extensions.at_end();) {
    const auto extension = extensions.next();
    if (!extension) return extension.error();
    if (found.empty()) found = unmet(*extension);
  }
  return found;
}

Result<> expect_all_met(const FrameParts& parts) {
  auto found = find_unmet(parts);
  if (!found) return found.error();
  if (!found->empty()) return frame_error(parts, *found);
  return {};
}

Result<> expect_no_payload(const FrameParts& parts) {
  if (parts.payload.empty()) return {};
  return frame_error(parts, "payload of " + std::to_string(parts.payload.size()) +
                                " bytes, this kind carries none");
}

Result<> read_handler_name(const FrameParts& parts, BytesView bytes, Request& request) {
  if (!request.handler_name.empty()) return frame_error(parts, "two handler names");
  if (bytes.empty()) return frame_error(parts, "the handler name is empty");
  if (bytes.size() > handler_name_bytes_max) {
    return frame_error(parts, "the handler name has " + std::to_string(bytes.size()) +
                                  " bytes, above the limit of " +
                                  std::to_string(handler_name_bytes_max));
  }
  request.handler_name = as_text(bytes);
  return {};
}

/// The headers of one frame, and why they cannot be taken, if so.
struct HeaderBlocks {
  Headers headers{};
  std::string fault{};

  /// Errors: lengths that do not fit.
  Result<> add(const FrameParts& parts, BytesView block) {
    ByteReader rest(block);
    const std::size_t name_bytes = block.empty() ? 0 : rest.get<std::uint8_t>();
    if (block.empty() || name_bytes > rest.size()) {
      return frame_error(parts, "a header of " + std::to_string(block.size()) +
                                    " bytes ends before its name, which has " +
                                    std::to_string(name_bytes));
    }
    const std::string_view name = as_text(rest.take(name_bytes));
    // One too many is enough to be refused; more would only cost time.
    if (!fault.empty() || headers.size() > Headers::count_max) return {};
    if (headers.get(name)) {
      fault = "header '" + std::string(name) + "' comes twice";
    } else {
      headers.set(name, as_text(rest.take(rest.size())));
    }
    return {};
  }
  void check() {
    if (headers.empty() || !fault.empty()) return;
    if (auto checked = headers.check(); !checked) fault = std::move(checked).error().text;
  }
};

/// Errors: lengths that do not fit, a second one.
Result<> read_expectation(const FrameParts& parts, BytesView block, Request& request) {
  if (request.expected_response) return frame_error(parts, "two expectations");
  if (block.empty()) return frame_error(parts, "the expectation is empty");
  ByteReader rest(block);
  request.expected_response = Expectation::Response{rest.get<std::uint8_t>()};
  request.expected_type = as_text(rest.take(rest.size()));
  return {};
}

Result<> read_contract(const FrameParts& parts, BytesView block, Accepted& accepted) {
  if (accepted.kind) return frame_error(parts, "two contracts");
  ByteReader rest(block);
  const auto kind = rest.get<std::uint8_t>();
  const std::size_t request_bytes = rest.get<std::uint8_t>();
  if (block.size() < 2 || request_bytes > rest.size()) {
    return frame_error(parts, "a contract of " + std::to_string(block.size()) +
                                  " bytes ends before its request type, which has " +
                                  std::to_string(request_bytes));
  }
  accepted.kind = HandlerKind{kind};
  accepted.request_type = as_text(rest.take(request_bytes));
  accepted.response_type = as_text(rest.take(rest.size()));
  if (accepted.response_type.size() <= type_name_bytes_max) return {};
  return frame_error(parts,
                     "the response type has " + std::to_string(accepted.response_type.size()) +
                         " bytes, above the limit of " + std::to_string(type_name_bytes_max));
}

/// Why a request with these parts cannot be taken; without a text if it can.
std::pair<Errc, std::string> find_fault(const Request& request, const HeaderBlocks& blocks) {
  if (!blocks.fault.empty()) return {Errc::undecodable, blocks.fault};
  if (!request.expected_response) return {};
  if (*request.expected_response > Expectation::Response::typed) {
    return {Errc::kind_mismatch, "expected response " +
                                     std::to_string(static_cast<int>(*request.expected_response)) +
                                     " is unknown to this node"};
  }
  if (request.expected_type.size() > type_name_bytes_max) {
    return {Errc::undecodable, "the expected type has " +
                                   std::to_string(request.expected_type.size()) +
                                   " bytes, the limit is " + std::to_string(type_name_bytes_max)};
  }
  return {};
}

/// Why a well-formed request cannot be run, if it cannot. `unmet` as of find_unmet.
std::optional<Rejected> judge(const Request& request, const std::string& unmet,
                              const HeaderBlocks& blocks) {
  Rejected rejected;
  rejected.call = request.call;
  rejected.handler = request.handler;
  rejected.handler_name = request.handler_name;
  if (!unmet.empty()) {
    rejected.code = Errc::protocol_error;
    rejected.text = "request: " + unmet;
  } else if (request.mode > DeliveryMode::with_receipt_and_response) {
    rejected.code = Errc::kind_mismatch;
    rejected.text = "request: delivery mode " + std::to_string(static_cast<int>(request.mode)) +
                    " is unknown to this node";
  } else if (request.codec > Codec::json) {
    rejected.code = Errc::undecodable;
    rejected.text = "request: codec " + std::to_string(static_cast<int>(request.codec)) +
                    " is unknown to this node";
  } else if (request.handler == 0 && request.handler_name.empty()) {
    rejected.code = Errc::protocol_error;
    rejected.text = "request: it has neither the number nor the name of a handler";
  } else if (auto [code, fault] = find_fault(request, blocks); !fault.empty()) {
    rejected.code = code;
    rejected.text = "request: " + fault;
  } else {
    return std::nullopt;
  }
  return rejected;
}

/// Returns what the block asks for that this version does not understand; empty if nothing.
Result<std::string> read_block(const FrameParts& parts, const Extension& block, Request& request,
                               HeaderBlocks& headers) {
  Result<> read;
  switch (block.type) {
    case extension_type::request_handler_name:
      read = read_handler_name(parts, block.bytes, request);
      break;
    case extension_type::header:
      read = headers.add(parts, block.bytes);
      break;
    case extension_type::request_expectation:
      read = read_expectation(parts, block.bytes, request);
      break;
    default:
      return unmet(block);
  }
  if (!read) return read.error();
  return std::string();
}

Decoded decode_request(const FrameParts& parts) {
  ByteReader fixed(parts.fixed);
  Request request;
  request.call.value = fixed.get<std::uint64_t>();
  request.handler = fixed.get<std::uint32_t>();
  request.mode = DeliveryMode{fixed.get<std::uint8_t>()};
  request.codec = Codec{fixed.get<std::uint8_t>()};
  fixed.take(2);
  request.deadline_ms = fixed.get<std::uint32_t>();
  request.payload = parts.payload;
  request.wants_accepted = (parts.flags & request_wants_accepted) != 0;

  std::string found = unmet_flags(parts);
  HeaderBlocks blocks;
  for (ExtensionReader extensions(parts); !extensions.at_end();) {
    const auto extension = extensions.next();
    if (!extension) return extension.error();
    auto read = read_block(parts, *extension, request, blocks);
    if (!read) return read.error();
    if (found.empty()) found = std::move(*read);
  }
  blocks.check();
  if (auto rejected = judge(request, found, blocks)) return decoded(std::move(*rejected));
  request.headers = std::move(blocks.headers);
  return decoded(std::move(request));
}

Decoded decode_reply(const FrameParts& parts) {
  std::string found = unmet_flags(parts);
  HeaderBlocks blocks;
  for (ExtensionReader extensions(parts); !extensions.at_end();) {
    const auto extension = extensions.next();
    if (!extension) return extension.error();
    if (extension->type == extension_type::header) {
      if (auto added = blocks.add(parts, extension->bytes); !added) return added.error();
    } else if (found.empty()) {
      found = unmet(*extension);
    }
  }
  blocks.check();
  if (found.empty()) found = blocks.fault;
  ByteReader fixed(parts.fixed);
  Reply reply;
  reply.call.value = fixed.get<std::uint64_t>();
  reply.codec = Codec{fixed.get<std::uint8_t>()};
  reply.payload = parts.payload;
  if (!found.empty()) return decoded(UnusableReply{reply.call, "reply: " + found});
  if (reply.codec > Codec::json) {
    return decoded(UnusableReply{reply.call, "reply: codec " +
                                                 std::to_string(static_cast<int>(reply.codec)) +
                                                 " is unknown to this node"});
  }
  reply.headers = std::move(blocks.headers);
  return decoded(std::move(reply));
}

Decoded decode_accepted(const FrameParts& parts) {
  Accepted accepted{CallId{ByteReader(parts.fixed).get<std::uint64_t>()}};
  std::string found = unmet_flags(parts);
  for (ExtensionReader extensions(parts); !extensions.at_end();) {
    const auto extension = extensions.next();
    if (!extension) return extension.error();
    if (extension->type == extension_type::accepted_contract) {
      if (auto read = read_contract(parts, extension->bytes, accepted); !read) return read.error();
    } else if (found.empty()) {
      found = unmet(*extension);
    }
  }
  if (!found.empty()) return frame_error(parts, found);
  if (auto none = expect_no_payload(parts); !none) return none.error();
  return decoded(accepted);
}

template <class T>
Decoded decode_call_only(const FrameParts& parts) {
  if (auto met = expect_all_met(parts); !met) return met.error();
  if (auto none = expect_no_payload(parts); !none) return none.error();
  return decoded(T{CallId{ByteReader(parts.fixed).get<std::uint64_t>()}});
}

template <class T>
Decoded decode_cookie(const FrameParts& parts) {
  if (auto met = expect_all_met(parts); !met) return met.error();
  if (auto none = expect_no_payload(parts); !none) return none.error();
  return decoded(T{ByteReader(parts.fixed).get<std::uint64_t>()});
}

Result<Errc> read_code(const FrameParts& parts, ByteReader& fixed) {
  const auto code = fixed.get<std::uint16_t>();
  // As an error_code, 0 would read as success.
  if (code == 0) return frame_error(parts, "code is 0, which names no error");
  return Errc{code};
}

Result<std::string_view> read_text(const FrameParts& parts) {
  if (parts.payload.size() > text_bytes_max) {
    return frame_error(parts, "the text has " + std::to_string(parts.payload.size()) +
                                  " bytes, above the limit of " + std::to_string(text_bytes_max));
  }
  return as_text(parts.payload);
}

Decoded decode_nack(const FrameParts& parts) {
  if (auto met = expect_all_met(parts); !met) return met.error();
  ByteReader fixed(parts.fixed);
  Nack nack;
  nack.call.value = fixed.get<std::uint64_t>();
  const auto code = read_code(parts, fixed);
  if (!code) return code.error();
  nack.code = *code;
  const auto ran = fixed.get<std::uint8_t>();
  nack.ran = ran <= static_cast<std::uint8_t>(Ran::yes) ? Ran{ran} : Ran::maybe;
  const auto text = read_text(parts);
  if (!text) return text.error();
  nack.text = *text;
  return decoded(nack);
}

Decoded decode_goodbye(const FrameParts& parts) {
  if (auto met = expect_all_met(parts); !met) return met.error();
  ByteReader fixed(parts.fixed);
  const auto code = read_code(parts, fixed);
  if (!code) return code.error();
  const auto text = read_text(parts);
  if (!text) return text.error();
  return decoded(Goodbye{*code, *text});
}

Decoded decode_window(const FrameParts& parts) {
  if (auto met = expect_all_met(parts); !met) return met.error();
  if (auto none = expect_no_payload(parts); !none) return none.error();
  return decoded(Window{ByteReader(parts.fixed).get<std::uint32_t>()});
}

/// Errors: a sum of another length, two of them, or what this version does not understand.
Result<> read_payload_sum(const FrameParts& parts, Pull& pull) {
  if (auto found = unmet_flags(parts); !found.empty()) return frame_error(parts, found);
  for (ExtensionReader extensions(parts); !extensions.at_end();) {
    const auto extension = extensions.next();
    if (!extension) return extension.error();
    if (extension->type != extension_type::pull_checksum) {
      if (auto found = unmet(*extension); !found.empty()) return frame_error(parts, found);
      continue;
    }
    if (pull.payload_sum) return frame_error(parts, "two checksums");
    if (extension->bytes.size() != checksum_bytes) {
      return frame_error(parts, "a checksum of " + std::to_string(extension->bytes.size()) +
                                    " bytes, expected one of " + std::to_string(checksum_bytes));
    }
    pull.payload_sum = ByteReader(extension->bytes).get<std::uint32_t>();
  }
  return {};
}

/// Of a frame without its payload, the prefix; what it says must be a request or a reply, and fit.
Decoded decode_pull(const FrameParts& parts) {
  Pull pull;
  if (auto read = read_payload_sum(parts, pull); !read) return read.error();
  if (parts.payload.size() < frame_prefix_bytes) {
    return frame_error(parts, std::to_string(parts.payload.size()) +
                                  " bytes of the frame that it stands for, the prefix takes " +
                                  std::to_string(frame_prefix_bytes));
  }
  ByteReader inner(parts.payload);
  const std::size_t frame_bytes = inner.get<std::uint32_t>();
  const auto kind = FrameKind{inner.get<std::uint8_t>()};
  inner.take(1);
  const std::size_t header_bytes = inner.get<std::uint16_t>();
  if (kind != FrameKind::request && kind != FrameKind::reply) {
    return frame_error(parts, "it stands for a frame of kind " +
                                  std::to_string(static_cast<int>(kind)) +
                                  ", only requests and replies are pulled");
  }
  if (header_bytes != inner.size() || frame_bytes <= parts.payload.size()) {
    return frame_error(parts, "it stands for a frame of " + std::to_string(frame_bytes) +
                                  " bytes with a header of " + std::to_string(header_bytes) +
                                  ", and has " + std::to_string(parts.payload.size()) +
                                  " bytes of it");
  }
  ByteReader fixed(parts.fixed);
  pull.lease = fixed.get<std::uint64_t>();
  pull.key = fixed.get<std::uint64_t>();
  pull.address = fixed.get<std::uint64_t>();
  pull.frame = parts.payload;
  pull.payload_bytes = frame_bytes - parts.payload.size();
  return decoded(pull);
}

/// Where the extension blocks of an unknown kind begin is unknown too: only its flags can insist.
Decoded decode_unknown(const FrameParts& parts) {
  if (const std::string found = unmet_flags(parts); !found.empty()) {
    return frame_error(parts, "kind " + std::to_string(parts.kind) + ", " + found);
  }
  return decoded(UnknownFrame{parts.kind});
}

}  // namespace

std::size_t fixed_bytes_of(std::uint8_t kind) noexcept {
  switch (FrameKind{kind}) {
    case FrameKind::hello:
      return fixed_bytes::hello;
    case FrameKind::request:
      return fixed_bytes::request;
    case FrameKind::reply:
      return fixed_bytes::reply;
    case FrameKind::nack:
      return fixed_bytes::nack;
    case FrameKind::accepted:
    case FrameKind::ack:
    case FrameKind::cancel:
      return fixed_bytes::call_only;
    case FrameKind::ping:
    case FrameKind::pong:
      return fixed_bytes::cookie;
    case FrameKind::goodbye:
      return fixed_bytes::goodbye;
    case FrameKind::window:
      return fixed_bytes::window;
    case FrameKind::pull:
      return fixed_bytes::pull;
    case FrameKind::pulled:
      return fixed_bytes::pulled;
  }
  return 0;
}

Decoded decode_frame(const FrameParts& parts) {
  switch (FrameKind{parts.kind}) {
    case FrameKind::hello:
      return decode_hello(parts);
    case FrameKind::request:
      return decode_request(parts);
    case FrameKind::accepted:
      return decode_accepted(parts);
    case FrameKind::ack:
      return decode_call_only<Ack>(parts);
    case FrameKind::nack:
      return decode_nack(parts);
    case FrameKind::reply:
      return decode_reply(parts);
    case FrameKind::cancel:
      return decode_call_only<Cancel>(parts);
    case FrameKind::ping:
      return decode_cookie<Ping>(parts);
    case FrameKind::pong:
      return decode_cookie<Pong>(parts);
    case FrameKind::goodbye:
      return decode_goodbye(parts);
    case FrameKind::window:
      return decode_window(parts);
    case FrameKind::pull:
      return decode_pull(parts);
    case FrameKind::pulled:
      return decode_cookie<Pulled>(parts);
  }
  return decode_unknown(parts);
}

}  // namespace trestle::wire
