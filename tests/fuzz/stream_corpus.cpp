// Writes what a peer that behaves would say, at each stage of its life, into argv[1].
#include <string>
#include <vector>

#include "golden_frames.hpp"
#include "seed_file.hpp"
#include "stranger_input.hpp"

namespace {

using namespace trestle;
using fuzz::Stage;
using fuzz::StrangerInput;

std::string packet_with(std::string_view frames) {
  return hostile::framed(std::string("TRSL\1\0\0\0", 8) + std::string(frames));
}

wire::Request request_for(std::string_view handler, std::uint32_t number, DeliveryMode mode) {
  wire::Request request = hostile::request(number, handler);
  request.handler = number;
  request.mode = mode;
  request.codec = Codec::msgpack;
  request.payload = as_bytes("\x81\xa1x\x91\x07");  // {"x": [7]}
  return request;
}

/// Requests that run the handlers of the listener's fuzzer, the system's included, in every mode.
std::vector<std::string> frames_that_run_handlers() {
  std::vector<std::string> all;
  std::uint32_t number = 1;
  for (const std::string_view handler : {"echo", "count", "swallow", "_list_handlers"}) {
    for (const DeliveryMode mode :
         {DeliveryMode::fire_and_forget, DeliveryMode::confirmed, DeliveryMode::with_response,
          DeliveryMode::with_receipt_ack, DeliveryMode::with_receipt_and_response}) {
      all.push_back(hostile::packet_of(request_for(handler, number++, mode)).substr(8));
    }
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const auto folder = fuzz::seed_folder(argc, argv);
  std::string all;
  int number = 0;
  const auto write = [&](Stage stage, std::string_view bytes) {
    fuzz::write_seed(folder / ("stranger_" + std::to_string(number++)),
                     StrangerInput::write(stage, bytes));
  };
  std::vector<std::string> frames = frames_that_run_handlers();
  for (const auto& golden : wire::testing::golden_frames()) {
    frames.emplace_back(as_text(wire::testing::bytes_of_hex(golden.hex)));
  }
  for (const std::string& frame : frames) {
    all += packet_with(frame);
    write(Stage::frames, frame);
    write(Stage::greeted, packet_with(frame));
  }
  write(Stage::greeted, all);
  write(Stage::stream, hostile::greeting() + all);
  write(Stage::stream, hostile::greeting() + hostile::announced(0xFFFF'FFFF));
  write(Stage::stream, hostile::preamble() + hostile::framed(std::string(17'000, 'x')));
}
