// What contracts call types: the same with every compiler.
#include <gtest/gtest.h>
#include <trestle/handler.hpp>

#include <array>
#include <deque>
#include <map>
#include <span>
#include <unordered_map>

namespace shop {

struct Sum {
  double value = 0;
};
BOOST_DESCRIBE_STRUCT(Sum, (), (value))
enum class Colour { red };
BOOST_DESCRIBE_ENUM(Colour, red)
struct Named {};
BOOST_DESCRIBE_STRUCT(Named, (), ())

template <class T>
struct Box {
  struct Lid {};
  T content{};
};
namespace {
struct Hidden {};
}  // namespace
struct A_name_that_is_long_enough_to_make_names_of_types_that_hold_it_longer_than_they_may_be {};

}  // namespace shop

namespace trestle {

template <>
struct TypeName<shop::Named> {
  static std::string get() { return "shop.Named"; }
};

namespace {

using Long =
    shop::A_name_that_is_long_enough_to_make_names_of_types_that_hold_it_longer_than_they_may_be;

TEST(TypeName, OfWhatTravelsAsBytes) {
  for (const std::string& name :
       {type_name<Payload>(), type_name<BytesView>(), type_name<Encoded>(),
        type_name<std::vector<std::byte>>(), type_name<std::array<std::byte, 4>>()}) {
    EXPECT_EQ(name, "bytes");
  }
}

TEST(TypeName, OfScalars) {
  EXPECT_EQ(type_name<void>(), "");
  EXPECT_EQ(type_name<bool>(), "bool");
  EXPECT_EQ(type_name<std::int8_t>(), "int8");
  EXPECT_EQ(type_name<std::uint16_t>(), "uint16");
  EXPECT_EQ(type_name<int>(), "int32");
  EXPECT_EQ(type_name<long long>(), type_name<std::int64_t>());
  EXPECT_EQ(type_name<std::size_t>(), "uint64");
  EXPECT_EQ(type_name<float>(), "float32");
  EXPECT_EQ(type_name<double>(), "float64");
  EXPECT_EQ(type_name<std::monostate>(), "null");
  EXPECT_EQ(type_name<std::string>(), "string");
  EXPECT_EQ(type_name<const char*>(), "string");
}

TEST(TypeName, OfContainersSaysWhatTheyHold) {
  EXPECT_EQ(type_name<std::vector<std::string>>(), "array<string>");
  EXPECT_EQ((type_name<std::array<bool, 3>>()), "array<bool>");
  EXPECT_EQ(type_name<std::span<const int>>(), "array<int32>");
  EXPECT_EQ(type_name<std::deque<std::vector<int>>>(), "array<array<int32>>");
  EXPECT_EQ((type_name<std::map<std::string, shop::Sum>>()), "map<string,shop::Sum>");
  EXPECT_EQ((type_name<std::unordered_map<std::string, int>>()), "map<string,int32>");
  EXPECT_EQ((type_name<std::tuple<int, std::optional<double>>>()),
            "tuple<int32,optional<float64>>");
  EXPECT_EQ(type_name<std::tuple<>>(), "tuple<>");
}

TEST(TypeName, OfOwnTypesIsTheirQualifiedName) {
  EXPECT_EQ(type_name<shop::Sum>(), "shop::Sum");
  EXPECT_EQ(type_name<shop::Colour>(), "shop::Colour");
  EXPECT_EQ(type_name<shop::Hidden>(), "shop::Hidden");
  EXPECT_EQ(type_name<shop::Box<std::string>>(), "shop::Box<string>");
  EXPECT_EQ(type_name<shop::Box<shop::Box<long>>>(), "shop::Box<shop::Box<int64>>");
  EXPECT_EQ(type_name<shop::Box<int>::Lid>(), "shop::Box<int>::Lid");
}

TEST(TypeName, IsTakenFromTheTraitWhereOneIsGiven) {
  EXPECT_EQ(type_name<shop::Named>(), "shop.Named");
  EXPECT_EQ(type_name<std::vector<shop::Named>>(), "array<shop.Named>");
}

TEST(TypeName, LeavesTheHeadersOfAReplyAway) {
  EXPECT_EQ(type_name<WithHeaders<int>>(), "int32");
}

TEST(TypeName, ThatIsTooLongIsCutAndTellsApart) {
  const std::string& one = type_name<std::tuple<Long, Long, Long, int>>();
  const std::string& other = type_name<std::tuple<Long, Long, Long, bool>>();

  EXPECT_EQ(one.size(), 255u);
  EXPECT_EQ(one[255 - 17], '#');
  EXPECT_EQ(other.size(), 255u);
  EXPECT_NE(one, other);
}

TEST(HandlerContract, SaysWhatFunctionsTakeAndGive) {
  EXPECT_EQ(to_string(am("h", [] {}).contract()), "am()");
  EXPECT_EQ(to_string(am("h", [](BytesView, Context&) {}).contract()), "am(bytes)");
  EXPECT_EQ(to_string(ack("h", [](const shop::Sum&) -> Result<void> { return {}; }).contract()),
            "ack(shop::Sum)");
  EXPECT_EQ(to_string(unary("h", [](std::string s) { return s; }).contract()),
            "unary(string) -> string");
  EXPECT_EQ(
      to_string(unary("h", [](Context&) -> Result<shop::Sum> { return shop::Sum(); }).contract()),
      "unary() -> shop::Sum");
  EXPECT_EQ(to_string(unary("h", [](int, Reply<std::vector<int>>) {}).contract()),
            "unary(int32) -> array<int32>");
  EXPECT_EQ(to_string(unary("h", []() -> WithHeaders<Payload> { return {}; }).contract()),
            "unary() -> bytes");
  EXPECT_EQ(to_string(unary("h", [] {}).contract()), "unary()");
}

}  // namespace
}  // namespace trestle
