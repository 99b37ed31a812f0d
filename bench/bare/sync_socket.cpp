// One thread per side on one socket, one write per message: blocking, or polled by both sides.
#include "arguments.hpp"
#include "endpoint.hpp"
#include "frame_stream.hpp"
#include "result.hpp"

#include <unistd.h>

#include <cstdlib>

namespace {

using bare::Clock;
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
  void await_frame() {
    if (!receive()) bare::fail("the server has gone");
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

void round_trips(Stream& stream, const std::vector<std::byte>& request, Clock::duration during,
                 bare::Samples& samples) {
  auto before = Clock::now();
  const auto deadline = before + during;
  while (before < deadline) {
    bare::write_all(stream.socket, request);
    stream.await_frame();
    const auto after = Clock::now();
    samples.add(after - before);
    before = after;
  }
}

/// Sends without waiting; the last message is answered, and the time until then counts.
void one_way(Stream& stream, std::size_t size, Clock::duration during, bare::Samples& samples) {
  const auto message = bare::make_frame(size, Wanted::nothing);
  auto before = Clock::now();
  const auto deadline = before + during;
  while (before < deadline) {
    bare::write_all(stream.socket, message);
    const auto after = Clock::now();
    samples.add(after - before);
    before = after;
  }
  bare::write_all(stream.socket, bare::make_frame(0, Wanted::echo));
  stream.await_frame();
}

/// Keeps `outstanding` requests under way; each reply makes room for the next request. Replies come
/// in order, so a ring of start times is enough.
void pipeline(Stream& stream, const std::vector<std::byte>& request, std::size_t outstanding,
              Clock::duration during, bare::Samples& samples) {
  std::vector<Clock::time_point> started(outstanding);
  auto now = Clock::now();
  const auto deadline = now + during;
  for (auto& start : started) {
    start = now;
    bare::write_all(stream.socket, request);
  }
  std::size_t oldest = 0;
  std::size_t under_way = outstanding;
  while (under_way > 0) {
    stream.await_frame();
    now = Clock::now();
    samples.add(now - started[oldest]);
    --under_way;
    if (now < deadline) {
      started[oldest] = now;
      bare::write_all(stream.socket, request);
      ++under_way;
    }
    oldest = (oldest + 1) % outstanding;
  }
}

void run(Stream& stream, const bare::Arguments& arguments, Clock::duration during,
         bare::Samples& samples) {
  const auto request = bare::make_frame(arguments.size, Wanted::echo);
  if (arguments.mode == Mode::rtt) return round_trips(stream, request, during, samples);
  if (arguments.mode == Mode::oneway) return one_way(stream, arguments.size, during, samples);
  pipeline(stream, request, arguments.outstanding, during, samples);
}

void measure(const bare::Arguments& arguments) {
  Stream stream{bare::connect_to(arguments.endpoint), {}};
  prepare(stream.socket, arguments.waiting);
  const auto during =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.seconds));
  bare::Samples samples;
  run(stream, arguments, during / 10, samples);  // warms up
  samples.clear();
  const auto start = Clock::now();
  run(stream, arguments, during, samples);
  bare::Result result{
      arguments.endpoint, bare::to_text(arguments.mode), arguments.size, 1, 1, Clock::now() - start,
      samples.count()};
  if (arguments.mode == Mode::pipe) result.outstanding = arguments.outstanding;
  bare::print(result, samples);
}

}  // namespace

int main(int argc, char** argv) {
  const bare::Arguments arguments = bare::parse_arguments(argc, argv);
  // Both sides of a pipe write before they read: what is under way must fit into socket buffers.
  if (arguments.mode == Mode::pipe && arguments.outstanding * (arguments.size + 8) > 512 * 1024) {
    std::fprintf(stderr, "--outstanding times --size is more than 512 KiB\n");
    return 2;
  }
  if (arguments.role == bare::Role::measure) {
    measure(arguments);
    return 0;
  }
  const int listener = bare::listen_at(arguments.endpoint);
  for (;;) {
    const int socket = bare::accept_from(listener);
    prepare(socket, arguments.waiting);
    serve_one(socket);
  }
}
