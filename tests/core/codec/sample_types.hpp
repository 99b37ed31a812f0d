// Types that the codec tests send, and short ways to write bytes and see outcomes.
#pragma once

#include <trestle/codec.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace trestle::codec_test {

enum class Colour { red, green = 7, blue };
BOOST_DESCRIBE_ENUM(Colour, red, green, blue)

struct Point {
  int x = 0;
  int y = 0;
  bool operator==(const Point&) const = default;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))

struct Labelled {
  std::string label;
  bool operator==(const Labelled&) const = default;
};
BOOST_DESCRIBE_STRUCT(Labelled, (), (label))

struct Shape : Labelled {
  std::vector<Point> points;
  Colour colour = Colour::red;
  std::optional<double> area;
  bool operator==(const Shape&) const = default;
};
BOOST_DESCRIBE_STRUCT(Shape, (Labelled), (points, colour, area))

struct Everything {
  bool flag = false;
  std::int8_t tiny = 0;
  std::uint64_t huge = 0;
  float single = 0;
  double precise = 0;
  std::string text;
  std::vector<std::byte> blob;
  std::array<std::byte, 3> code{};
  std::array<std::int16_t, 2> pair{};
  std::tuple<int, std::string> mixed;
  std::deque<bool> bits;
  std::vector<bool> packed_bits;
  std::map<std::string, Shape> shapes;
  std::unordered_map<std::string, int> counts;
  std::optional<Point> point;
  std::monostate unit;
  bool operator==(const Everything&) const = default;
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (flag, tiny, huge, single, precise, text, blob, code, pair, mixed, bits,
                       packed_bits, shapes, counts, point, unit))

struct Tree {
  std::vector<Tree> branches;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (branches))

inline Everything everything() {
  Everything value;
  value.flag = true;
  value.tiny = -128;
  value.huge = std::numeric_limits<std::uint64_t>::max();
  value.single = 0.1f;
  value.precise = 0.1;
  value.text = "quote \" backslash \\ line\n nul \0 snowman \xe2\x98\x83";
  value.blob = {std::byte{0}, std::byte{255}, std::byte{16}, std::byte{32}};
  value.code = {std::byte{1}, std::byte{2}, std::byte{3}};
  value.pair = {-300, 300};
  value.mixed = {5, "five"};
  value.bits = {true, false};
  value.packed_bits = {false, true, true};
  Shape shape;
  shape.label = "triangle";
  shape.points = {{0, 0}, {3, 0}, {0, -4}};
  shape.colour = Colour::blue;
  shape.area = 6.0;
  value.shapes = {{"a", shape}, {"empty", Shape{}}};
  value.counts = {{"one", 1}, {"two", 2}};
  value.point = Point{-1, 1};
  return value;
}

/// The bytes that hexadecimal digits stand for; spaces are ignored.
inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
    if (digits.size() == 2) {
      bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
      digits.clear();
    }
  }
  return bytes;
}

/// The error of decoding `bytes` as a `T`, or "decoded".
template <class T>
std::string refusal(Codec codec, std::string_view bytes) {
  const auto value = decode<T>(codec, as_bytes(bytes));
  if (value.has_value()) return "decoded";
  return value.error().is(Errc::undecodable) ? value.error().text : "wrong code";
}

/// The encoded bytes, or the error text.
template <class T>
std::string encoded(Codec codec, const T& value) {
  const auto payload = encode(codec, value);
  return payload.has_value() ? std::string(payload->text()) : payload.error().text;
}

/// The transcoded bytes, or the error text.
inline std::string transcoded(Codec from, Codec to, std::string_view bytes) {
  const auto payload = transcode(from, to, as_bytes(bytes));
  return payload.has_value() ? std::string(payload->text()) : payload.error().text;
}

}  // namespace trestle::codec_test
