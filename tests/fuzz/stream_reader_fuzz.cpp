// Any bytes as a stream: however they are cut, the decoder gives the same packets, which are those
// that a plain reading of the format gives, and keeps no memory.
#include <trestle/transport_kit/stream_reader.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "counting_host.hpp"
#include "demand.hpp"

namespace {

using namespace trestle::transport_kit;
using trestle::fuzz::demand;
using Outcome = StreamReader::Outcome;

/// Small enough for the fuzzer to reach from both sides, above what gets memory of its own.
constexpr std::uint64_t packet_bytes_max = 20'000;

struct Reading {
  std::vector<std::string> packets;
  Outcome outcome = Outcome::need_more;

  bool operator==(const Reading&) const = default;
};

class Feeding {
 public:
  std::size_t unfinished_bytes() const { return pool_.unfinished_bytes(); }

  Reading feed(std::string_view stream, std::size_t piece) {
    StreamReader reader(shared_, pool_, packet_bytes_max);
    Reading reading;
    while (take_all(reader, reading) && !stream.empty()) {
      for (const auto& part : reader.space()) {
        const std::size_t count = std::min({part.size(), piece, stream.size()});
        std::copy_n(reinterpret_cast<const std::byte*>(stream.data()), count, part.begin());
        stream.remove_prefix(count);
        reader.commit(count);
        if (count < part.size()) break;
      }
      demand(reader.bytes_received() >= received_, "bytes are counted");
      received_ = reader.bytes_received();
    }
    received_ = 0;
    return reading;
  }

 private:
  bool take_all(StreamReader& reader, Reading& reading) {
    for (;;) {
      auto step = reader.next();
      reading.outcome = step.outcome;
      if (step.outcome != Outcome::packet) break;
      reading.packets.emplace_back(reinterpret_cast<const char*>(step.bytes.data()),
                                   step.bytes.size());
    }
    if (reading.outcome == Outcome::failed) {
      demand(!reader.error().text.empty(), "a failure has a text");
    }
    reader.settle();
    shared_.recycle();
    return reading.outcome == Outcome::need_more;
  }

  trestle::sdk::testing::CountingHost memory_;
  ReadBuffer shared_;
  ReceivePool pool_{memory_.host(), packet_bytes_max};
  std::uint64_t received_ = 0;
};

/// The format as its header file describes it, with nothing done about speed.
Reading read_plainly(std::string_view stream) {
  Reading reading;
  for (const std::byte expected : stream_preamble) {
    if (stream.empty()) return reading;
    if (static_cast<std::byte>(stream.front()) != expected) {
      reading.outcome = Outcome::failed;
      return reading;
    }
    stream.remove_prefix(1);
  }
  while (stream.size() >= sizeof(PacketHeader)) {
    const std::uint32_t length = packet_length(reinterpret_cast<const std::byte*>(stream.data()));
    stream.remove_prefix(sizeof(PacketHeader));
    if (length == goodbye_length) {
      reading.outcome = stream.empty() ? Outcome::goodbye : Outcome::failed;
      return reading;
    }
    if (length > packet_bytes_max) {
      reading.outcome = Outcome::failed;
      return reading;
    }
    if (length > stream.size()) return reading;
    reading.packets.emplace_back(stream.substr(0, length));
    stream.remove_prefix(length);
  }
  return reading;
}

/// What follows a goodbye is seen or not, depending on whether it came with it.
void settle_goodbye(Reading& reading, const Reading& plain) {
  if (reading.outcome == Outcome::goodbye && plain.outcome == Outcome::failed) {
    reading.outcome = Outcome::failed;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Reading plain = read_plainly(stream);
  static Feeding& feeding = *new Feeding;  // its buffer is large
  // Long streams in single bytes would take most of the time.
  const std::size_t cut = (std::size_t{1} + data[0]) << (size > 4096 ? 6 : 0);
  for (const std::size_t piece : {std::size_t{1} << 20, cut}) {
    Reading reading = feeding.feed(stream, piece);
    demand(feeding.unfinished_bytes() == 0, "memory of what never arrived is given back");
    settle_goodbye(reading, plain);
    demand(reading == plain, "packets and outcome are those of a plain reading");
  }
  return 0;
}
