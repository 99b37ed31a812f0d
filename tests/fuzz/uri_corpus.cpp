// Writes URIs, addresses and values as the documentation shows them, one per file, into argv[1].
#include <string>

#include "seed_file.hpp"

int main(int argc, char** argv) {
  const auto folder = trestle::fuzz::seed_folder(argc, argv);
  int number = 0;
  for (const char* text :
       {"tcp://127.0.0.1:7000", "tcp://[::1]:80?insecure=1", "tcp://localhost:0?stall_timeout=30s",
        "unix:///run/a%20b.sock?spin=on&heartbeat=500ms&dead_after=3s", "unix://@name",
        "inproc://*", "pass+zmq+tcp://*:5000?heartbeat=off&spin=auto",
        "ofi+tcp://host.example:7000?prov=tcp", "x://a?time=5us&size=64KiB&switch=off",
        "x://a?name=n&count=99&kind=second", "127.0.0.1:80", "[fe80::1%25lo]:1", "*:7000",
        "/run/x.sock", "@abstract", "1500ns", "3GiB", "on", "host:65535"}) {
    trestle::fuzz::write_seed(folder / ("uri_" + std::to_string(number++)), text);
  }
}
