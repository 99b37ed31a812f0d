// What a handler's context asks of the message's responder.
#include <trestle/context.hpp>
#include <trestle/detail/responder.hpp>

namespace trestle {

std::stop_token Context::stop_token() const {
  return responder != nullptr ? responder->stop_token() : std::stop_token();
}

}  // namespace trestle
