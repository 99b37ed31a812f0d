// Writes the control frames that a peer which behaves would say of three calls, a confirmation and
// a message, into argv[1].
#include <array>
#include <string>

#include "frame_records.hpp"
#include "golden_frames.hpp"
#include "seed_file.hpp"

namespace {

using namespace trestle;

template <class Frame>
std::string record_of(const Frame& frame) {
  wire::Buffer packet;
  wire::begin_packet(packet);
  wire::append(packet, frame);
  return fuzz::record_of_frame(as_text(packet).substr(8));
}

}  // namespace

int main(int argc, char** argv) {
  const auto folder = fuzz::seed_folder(argc, argv);
  int number = 0;
  std::string all;
  const auto write = [&](const std::string& records) {
    if (!records.empty())
      fuzz::write_seed(folder / ("control_" + std::to_string(number++)), records);
  };
  for (const auto& golden : wire::testing::golden_frames()) {
    const auto bytes = wire::testing::bytes_of_hex(golden.hex);
    write(fuzz::record_of_frame(as_text(bytes)));
    all += fuzz::record_of_frame(as_text(bytes));
  }
  write(all);
  // Slots and generations that a node gives its first calls.
  for (std::uint32_t slot = 0; slot < 5; ++slot) {
    for (std::uint64_t generation = 0; generation < 2; ++generation) {
      const auto call = wire::CallId::make(slot, generation);
      const std::array records{
          record_of(wire::Accepted{.call = call}),
          record_of(wire::Reply{.call = call, .codec = Codec::msgpack, .payload = as_bytes("\1")}),
          record_of(wire::Ack{.call = call}),
          record_of(wire::Nack{.call = call, .code = Errc::overloaded, .text = "later"}),
          record_of(wire::Cancel{call}),
      };
      for (const std::string& record : records) write(record);
      write(records[0] + records[1] + records[1]);
    }
  }
  write(record_of(wire::Ping{1}) + record_of(wire::Pong{1}) + record_of(wire::Window{}));
}
