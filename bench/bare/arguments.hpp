// The command line that all bare programs share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bare {

enum class Role { serve, measure };
enum class Mode { rtt, oneway, pipe };

/// How a side waits for bytes.
enum class Waiting { block, spin };

/// The libzmq sockets of both sides, by the client's: DEALER to ROUTER, REQ to REP, PUSH to PULL.
enum class Pattern { dealer, req, push };

/// When frames leave: each with a write of its own, or all of one turn together.
enum class Writing { each, turn };

struct Arguments {
  Role role = Role::measure;
  std::string endpoint;
  Mode mode = Mode::rtt;
  std::size_t size = 64;         ///< bytes of payload; servers of libfabric need it, too
  std::size_t outstanding = 64;  ///< requests under way per connection, in pipe
  std::size_t clients = 1;       ///< connections
  double seconds = 1.0;
  Waiting waiting = Waiting::block;
  Writing writing = Writing::turn;
  Pattern pattern = Pattern::dealer;
  int hwm = 1000;  ///< messages that libzmq queues on each side
};

/// Reads the command line of a socket program; ends the program if it is wrong.
Arguments parse_arguments(int argc, char** argv);

const char* to_text(Mode mode) noexcept;

}  // namespace bare
