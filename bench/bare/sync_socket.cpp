// One thread per side on one socket, one write per message: blocking, or polled by both sides.
#include "arguments.hpp"
#include "endpoint.hpp"
#include "frame_stream.hpp"
#include "loads.hpp"

#include <unistd.h>

#include <cstdio>

namespace {

using bare::FrameReader;
using bare::Mode;
using bare::Wanted;

/// One end of the connection. In `spin` the socket is non-blocking and read again and again.
struct Stream {
  int socket = -1;
  FrameReader reader;

  /// The next frame; nothing when the peer has closed.
  std::optional<bare::Frame> receive() {
    for (;;) {
      if (auto frame = reader.next()) return frame;
      if (reader.read_from(socket) == FrameReader::Reading::ended) return std::nullopt;
    }
  }
};

void prepare(int socket, bare::Waiting waiting) {
  if (waiting == bare::Waiting::spin) bare::set_non_blocking(socket);
}

void serve_one(int socket) {
  Stream stream{socket, {}};
  while (const auto frame = stream.receive()) {
    if (frame->header.wanted == Wanted::echo) bare::write_all(socket, frame->bytes);
  }
  close(socket);
}

/// Models bare::Client.
class Client {
 public:
  explicit Client(const bare::Arguments& arguments)
      : stream_{bare::connect_to(arguments.endpoint), {}},
        request_(bare::make_frame(arguments.size, Wanted::echo)),
        message_(bare::make_frame(arguments.size, Wanted::nothing)) {
    prepare(stream_.socket, arguments.waiting);
  }

  void send_request() { bare::write_all(stream_.socket, request_); }
  void send_message() { bare::write_all(stream_.socket, message_); }
  void await_reply() {
    if (!stream_.receive()) bare::fail("the server has gone");
  }
  void flush() {
    bare::write_all(stream_.socket, bare::make_frame(0, Wanted::echo));
    await_reply();
  }

 private:
  Stream stream_;
  const std::vector<std::byte> request_;
  const std::vector<std::byte> message_;
};

}  // namespace

int main(int argc, char** argv) {
  const bare::Arguments arguments = bare::parse_arguments(argc, argv);
  // Both sides of a pipe write before they read: what is under way must fit into socket buffers.
  if (arguments.mode == Mode::pipe && arguments.outstanding * (arguments.size + 8) > 512 * 1024) {
    std::fprintf(stderr, "--outstanding times --size is more than 512 KiB\n");
    return 2;
  }
  if (arguments.role == bare::Role::measure) {
    Client client(arguments);
    bare::measure(client, arguments);
    return 0;
  }
  const int listener = bare::listen_at(arguments.endpoint);
  for (;;) {
    const int socket = bare::accept_from(listener);
    prepare(socket, arguments.waiting);
    serve_one(socket);
  }
}
