// Where a node can be reached: a set of endpoints that travels as one piece.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/payload.hpp>

namespace trestle {

/// The endpoints of a node, in the order in which it began to listen; may be empty. What stores or
/// passes it on need not look inside: as text or bytes it carries a checksum.
class TRESTLE_EXPORT WorkerAddress {
 public:
  /// Of endpoints, and of the bytes of one, that can be read back.
  static constexpr std::size_t endpoints_max = 64;
  static constexpr std::size_t endpoint_bytes_max = 1024;  ///< see endpoints_max

  /// Of a node that does not listen.
  WorkerAddress() = default;
  /// Of these URIs. One that occurs twice counts once; what cannot be an endpoint is found out
  /// where it is used.
  WorkerAddress(std::vector<std::string> endpoints);
  /// Likewise.
  WorkerAddress(std::initializer_list<std::string> endpoints)
      : WorkerAddress(std::vector<std::string>(endpoints)) {}

  /// URIs, each once.
  const std::vector<std::string>& endpoints() const noexcept { return endpoints_; }
  /// True if there is no endpoint.
  bool is_empty() const noexcept { return endpoints_.empty(); }

  /// One word without spaces, for files, variables and command lines.
  std::string text() const;
  /// The same in fewer bytes.
  std::string bytes() const;
  /// Errors: invalid_argument: what cannot be read, and why.
  [[nodiscard]] static Result<WorkerAddress> parse(std::string_view text);
  /// Likewise of bytes().
  [[nodiscard]] static Result<WorkerAddress> from_bytes(BytesView bytes);

  /// By endpoints and their order.
  bool operator==(const WorkerAddress&) const = default;

 private:
  std::vector<std::string> endpoints_;
};

}  // namespace trestle

/// @cond
template <>
struct std::hash<trestle::WorkerAddress> {
  std::size_t operator()(const trestle::WorkerAddress& address) const noexcept {
    std::size_t sum = 0;
    for (const std::string& endpoint : address.endpoints()) {
      sum = sum * 31 + std::hash<std::string>()(endpoint);
    }
    return sum;
  }
};
/// @endcond
