// Names of handler kinds.
#include <trestle/handler.hpp>

namespace trestle {

std::string_view to_string(HandlerKind kind) noexcept {
  switch (kind) {
    case HandlerKind::am:
      return "am";
    case HandlerKind::ack:
      return "ack";
    case HandlerKind::unary:
      return "unary";
  }
  return "unknown";
}

}  // namespace trestle
