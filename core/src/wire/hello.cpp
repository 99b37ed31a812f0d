// The hello frame, out and in. Its limits hold before anything about the peer is believed.
#include <array>

#include "platform/crc32c.hpp"
#include "wire/checksum.hpp"
#include "wire/frame_parts.hpp"
#include "wire/frame_writing.hpp"

namespace trestle::wire {
namespace {

std::string above(std::string_view what, std::size_t value, std::size_t limit) {
  return std::string(what) + std::to_string(value) + ", above the limit of " +
         std::to_string(limit);
}

/// What is wrong with the values of a hello, in words; empty if nothing. The same both ways.
std::string find_fault(const Hello& hello) {
  if (hello.version_min > hello.version_max) {
    return "version_min is " + std::to_string(hello.version_min) +
           ", above version_max, which is " + std::to_string(hello.version_max);
  }
  if (hello.endpoints.size() > hello_endpoints_max) {
    return above("number of endpoints is ", hello.endpoints.size(), hello_endpoints_max);
  }
  for (const std::string_view endpoint : hello.endpoints) {
    if (endpoint.empty()) return "an endpoint is empty";
    if (endpoint.size() > endpoint_bytes_max) {
      return above("bytes of an endpoint are ", endpoint.size(), endpoint_bytes_max) + ": " +
             std::string(endpoint.substr(0, 32)) + "…";
    }
  }
  if (hello.authentication.size() > authentication_bytes_max) {
    return above("bytes of authentication are ", hello.authentication.size(),
                 authentication_bytes_max);
  }
  return {};
}

std::size_t extension_bytes(const Hello& hello) noexcept {
  std::size_t bytes = 0;
  for (const std::string_view endpoint : hello.endpoints) {
    bytes += extension_prefix_bytes + endpoint.size();
  }
  if (!hello.authentication.empty()) {
    bytes += extension_prefix_bytes + hello.authentication.size();
  }
  if ((hello.features & feature::checksums) != 0) bytes += extension_prefix_bytes + checksum_bytes;
  return bytes;
}

std::string find_excess(std::size_t extensions) {
  const std::size_t frame_bytes = frame_prefix_bytes + fixed_bytes::hello + extensions;
  if (frame_bytes <= hello_frame_bytes_max) return {};
  return above("bytes of the frame are ", frame_bytes, hello_frame_bytes_max);
}

/// Of the frame without its checksum, as if that were 0. `frame`: up to the checksum; it is what
/// comes last.
std::uint32_t sum_of(BytesView frame) noexcept {
  constexpr std::array<std::byte, checksum_bytes> zeros{};
  return platform::crc32c(platform::crc32c(0, frame), zeros);
}

/// Errors: handshake_failed: the peer is no other one than it was, its hello was damaged.
Result<> compare_sums(const FrameParts& parts, const Hello& hello, BytesView told) {
  if ((hello.features & feature::checksums) == 0 && told.empty()) return {};
  const auto damaged = [&](const std::string& what) {
    return Error(Errc::handshake_failed, frame_error(parts, what).text);
  };
  if (told.size() != checksum_bytes ||
      told.data() + told.size() != parts.extensions.data() + parts.extensions.size()) {
    return damaged("its last block has to be a checksum of " + std::to_string(checksum_bytes) +
                   " bytes");
  }
  // The prefix lies before the header, and the whole frame without a gap.
  const std::byte* const frame = parts.fixed.data() - frame_prefix_bytes;
  const std::uint32_t sum = sum_of({frame, told.data()});
  if (ByteReader(told).get<std::uint32_t>() == sum) return {};
  return damaged("damaged: the checksum is " +
                 std::to_string(ByteReader(told).get<std::uint32_t>()) + ", the bytes make " +
                 std::to_string(sum));
}

Result<> read_extensions(const FrameParts& parts, Hello& hello) {
  BytesView told_sum;
  for (ExtensionReader extensions(parts); !extensions.at_end();) {
    const auto extension = extensions.next();
    if (!extension) return extension.error();
    switch (extension->type) {
      case extension_type::hello_endpoint:
        hello.endpoints.push_back(as_text(extension->bytes));
        break;
      case extension_type::hello_authentication:
        if (!hello.authentication.empty()) return frame_error(parts, "two authentication blocks");
        hello.authentication = extension->bytes;
        break;
      case extension_type::hello_checksum:
        if (!told_sum.empty()) return frame_error(parts, "two checksum blocks");
        told_sum = extension->bytes;
        break;
      default:
        if (const std::string found = unmet(*extension); !found.empty()) {
          return frame_error(parts, found);
        }
    }
  }
  return compare_sums(parts, hello, told_sum);
}

}  // namespace

Result<> append(Buffer& out, const Hello& frame) {
  if (const std::string fault = find_fault(frame); !fault.empty()) {
    return Error(Errc::invalid_argument, "hello: " + fault);
  }
  const std::size_t extensions = extension_bytes(frame);
  if (const std::string fault = find_excess(extensions); !fault.empty()) {
    return Error(Errc::invalid_argument,
                 "hello: " + fault + "; advertise fewer or shorter endpoints");
  }
  const std::size_t start = out.size();
  ByteWriter writer = start_frame(out, FrameKind::hello, fixed_bytes::hello + extensions, 0);
  writer.put(frame.version_min)
      .put(frame.version_max)
      .reserve<2>()
      .put(frame.connection)
      .put(frame.features)
      .put(frame.instance.bytes())
      .put(frame.incarnation)
      .put(frame.host)
      .put(frame.frame_bytes_max)
      .put(frame.window);
  for (const std::string_view endpoint : frame.endpoints) {
    put_extension(writer, extension_type::hello_endpoint, as_bytes(endpoint));
  }
  if (!frame.authentication.empty()) {
    put_extension(writer, extension_type::hello_authentication, frame.authentication);
  }
  if ((frame.features & feature::checksums) != 0) {
    writer.put(extension_type::hello_checksum).put(std::uint16_t{checksum_bytes});
    writer.put(sum_of({out.data() + start, out.end() - checksum_bytes}));
  }
  return {};
}

Decoded decode_hello(const FrameParts& parts) {
  if (const std::string found = unmet_flags(parts); !found.empty()) {
    return frame_error(parts, found);
  }
  if (!parts.payload.empty()) {
    return frame_error(parts, "payload of " + std::to_string(parts.payload.size()) +
                                  " bytes, this kind carries none");
  }
  if (const std::string fault = find_excess(parts.extensions.size()); !fault.empty()) {
    return frame_error(parts, fault);
  }
  ByteReader fixed(parts.fixed);
  Hello hello;
  hello.version_min = fixed.get<std::uint8_t>();
  hello.version_max = fixed.get<std::uint8_t>();
  fixed.take(2);
  hello.connection = fixed.get<std::uint32_t>();
  hello.features = fixed.get<std::uint64_t>();
  hello.instance = InstanceId(fixed.get_16_bytes());
  hello.incarnation = fixed.get<std::uint64_t>();
  hello.host = fixed.get_16_bytes();
  hello.frame_bytes_max = fixed.get<std::uint32_t>();
  hello.window = fixed.get<std::uint32_t>();
  if (auto read = read_extensions(parts, hello); !read) return read.error();
  if (const std::string fault = find_fault(hello); !fault.empty()) return frame_error(parts, fault);
  return decoded(std::move(hello));
}

}  // namespace trestle::wire
