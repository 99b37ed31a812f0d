// What an input of the listener's fuzzer stands for: its first byte says how far the stranger has
// come without the fuzzer's doing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stranger.hpp"

namespace trestle::fuzz {

/// Where the fuzzer's bytes begin.
enum class Stage : std::uint8_t {
  stream,   ///< at the first byte of the stream
  greeted,  ///< after a good hello, at the length of a packet
  frames,   ///< after a good hello, at the first frame of a packet
};

/// One stranger's doing.
struct StrangerInput {
  bool greets = false;
  bool brings_newcomer = false;  ///< somebody honest connects meanwhile
  std::string bytes{};

  /// The bytes of an input that begins at that stage.
  static std::string write(Stage stage, std::string_view bytes) {
    return static_cast<char>(stage) + std::string(bytes);
  }

  static StrangerInput read(std::string_view input) {
    if (input.empty()) return {};
    const auto first = static_cast<std::uint8_t>(input.front());
    const auto stage = static_cast<Stage>(first % 4);
    StrangerInput read{.greets = stage != Stage::stream, .brings_newcomer = first >= 128};
    read.bytes = input.substr(1);
    if (stage == Stage::frames) {
      read.bytes = hostile::framed(std::string("TRSL\1\0\0\0", 8) + read.bytes);
    }
    return read;
  }
};

}  // namespace trestle::fuzz
