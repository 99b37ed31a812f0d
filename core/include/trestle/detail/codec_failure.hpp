// Why a value could not be encoded or decoded, and where in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <trestle/export.hpp>

namespace trestle::detail {

/// Collects the reason where it is found and the path while the walk over the value unwinds, so
/// that a walk that succeeds pays nothing.
class TRESTLE_EXPORT CodecFailure {
 public:
  /// Always false, so that a caller can `return failure.because(...)`.
  bool because(std::string reason);
  /// The failure lies inside this member of the enclosing struct or map. Returns false.
  bool in_member(std::string_view name);
  /// The failure lies inside this element of the enclosing array. Returns false.
  bool in_element(std::size_t index);

  /// Such as "member 'points[2].x': expected integer, got string".
  std::string text() const;

 private:
  void prepend(std::string segment);

  std::string reason_;
  std::string path_;
};

/// `text` in single quotes, control characters escaped and cut after 64 bytes: fit for an error
/// text although a peer chose it.
TRESTLE_EXPORT std::string quoted(std::string_view text);

}  // namespace trestle::detail
