// Writes the frames of first packets of peers that behave, into argv[1].
#include <string>
#include <vector>

#include "golden_frames.hpp"
#include "seed_file.hpp"
#include "stranger.hpp"
#include "wire/layout.hpp"

using namespace trestle;

int main(int argc, char** argv) {
  const auto folder = fuzz::seed_folder(argc, argv);
  int number = 0;
  const auto write = [&](const std::string& packet) {
    fuzz::write_seed(folder / ("hello_" + std::to_string(number++)), packet.substr(8));
  };
  wire::Hello with_features = hostile::hello(8);
  with_features.features = wire::feature::checksums;
  wire::Hello old = hostile::hello(9);
  old.version_min = old.version_max = 0;
  wire::Hello with_endpoints = hostile::hello(10);
  with_endpoints.endpoints = {"tcp://127.0.0.1:7000", "unix:///run/x.sock"};
  for (const wire::Hello& hello : {hostile::hello(7), with_features, old, with_endpoints}) {
    write(hostile::packet_of(hello));
    write(hostile::packet_of(hello, hello));
    write(hostile::packet_of(hello, hostile::request(1, "echo")));
    write(hostile::packet_of(hello, wire::Ping{1}, wire::Goodbye{}));
  }
  for (const auto& golden : wire::testing::golden_frames()) {
    const std::string frame(as_text(wire::testing::bytes_of_hex(golden.hex)));
    write(std::string(8, ' ') + frame);
  }
}
