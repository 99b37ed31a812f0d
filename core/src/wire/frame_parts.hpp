// One frame taken apart, before its kind is looked at: what the decoders of all kinds share.
#pragma once

#include <string>

#include "wire/byte_cursor.hpp"
#include "wire/layout.hpp"
#include "wire/packet.hpp"

namespace trestle::wire {

/// Views of one frame. Lengths are consistent: everything lies inside the packet.
struct FrameParts {
  std::size_t offset = 0;  ///< of the frame in its packet
  std::uint8_t kind = 0;   ///< a FrameKind, or a number that is none
  std::uint8_t flags = 0;
  BytesView fixed;       ///< as many bytes as the kind's fixed part has
  BytesView extensions;  ///< the rest of the header
  BytesView payload;
};

/// A protocol_error about a frame: "ack frame at byte 8: " and `what`.
Error frame_error(const FrameParts& parts, const std::string& what);

/// One extension block.
struct Extension {
  std::uint16_t type = 0;
  BytesView bytes;

  bool must_be_understood() const noexcept { return (type & must_understand_extension) != 0; }
};

/// Walks the extension blocks of a frame.
class ExtensionReader {
 public:
  explicit ExtensionReader(const FrameParts& parts) noexcept
      : parts_(parts), rest_(parts.extensions) {}

  bool at_end() const noexcept { return rest_.size() == 0; }
  /// Errors: protocol_error when the blocks do not fill the header exactly.
  Result<Extension> next();

 private:
  const FrameParts& parts_;
  ByteReader rest_;
};

/// Names an unknown flag that must be understood; empty if there is none.
std::string unmet_flags(const FrameParts& parts);
/// Names an unknown extension block that must be understood; empty if `extension` may be skipped.
std::string unmet(const Extension& extension);

/// What PacketReader::next yields. Decoders build it in place: moving a Frame about costs more than
/// decoding a hot one.
using Decoded = Result<std::optional<Frame>>;

template <class T>
Decoded decoded(T&& value) {
  return Decoded(boost::system::in_place_value, std::in_place, std::forward<T>(value));
}

/// The hello frame.
Decoded decode_hello(const FrameParts& parts);

}  // namespace trestle::wire
