// Writes one packet per golden frame, and one with all of them, into the folder that it is given.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "golden_frames.hpp"
#include "packet_bytes.hpp"

namespace {

using trestle::wire::testing::Bytes;

bool write_bytes(const std::filesystem::path& path, const Bytes& packet) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(packet.data()),
             static_cast<std::streamsize>(packet.size()));
  return static_cast<bool>(file.flush());
}

bool write_packet(const std::filesystem::path& path, const Bytes& frames) {
  Bytes packet;
  trestle::wire::testing::begin_packet(packet);
  packet.insert(packet.end(), frames.begin(), frames.end());
  return write_bytes(path, packet);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: packet_corpus FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  Bytes all;
  int number = 0;
  for (const auto& golden : trestle::wire::testing::golden_frames()) {
    const Bytes frame = trestle::wire::testing::bytes_of_hex(golden.hex);
    all.insert(all.end(), frame.begin(), frame.end());
    const auto path = folder / ("frame_" + std::to_string(number++));
    if (!write_packet(path, frame)) {
      std::cerr << "packet_corpus: cannot write " << path << '\n';
      return 1;
    }
  }
  if (!write_packet(folder / "all_frames", all)) {
    std::cerr << "packet_corpus: cannot write " << folder / "all_frames" << '\n';
    return 1;
  }
  const Bytes summed =
      trestle::wire::testing::bytes_of_hex(trestle::wire::testing::golden_summed_packet_hex);
  if (!write_bytes(folder / "summed_packet", summed)) {
    std::cerr << "packet_corpus: cannot write " << folder / "summed_packet" << '\n';
    return 1;
  }
}
