// What happens once a round for all connections.
#include <trestle/transport_kit/stream_connection.hpp>
#include <trestle/transport_kit/stream_shared.hpp>

namespace trestle::transport_kit {

void StreamShared::begin_round() {
  memory.shared().recycle();
  flush();
}

void StreamShared::flush() {
  for (StreamConnection* conn : trains_) conn->flush();
  trains_.clear();
}

}  // namespace trestle::transport_kit
