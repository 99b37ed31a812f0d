// Words for libzmq's error numbers.
#include "zmq_error.hpp"

#include <trestle/transport_kit/socket_error.hpp>

#include <cerrno>
#include <zmq.hpp>

namespace trestle::zeromq {

sdk::Error zmq_failure(const std::string& what, int number) {
  std::string reason = zmq_strerror(number);
  if (number == EMFILE) {
    reason += ": no more descriptors (RLIMIT_NOFILE) or sockets (option max_sockets)";
  }
  return sdk::Error(transport_kit::status_of(number), what + ": " + reason,
                    number < ZMQ_HAUSNUMERO ? number : 0, number);
}

}  // namespace trestle::zeromq
