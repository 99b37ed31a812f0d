// The send queue: what was pushed comes out once, in order, whatever the kernel takes at a time.
#include <trestle/transport_kit/send_queue.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace {

using namespace trestle::transport_kit;
using testing::ElementsAre;
using testing::IsEmpty;

tt_iov segment(std::string_view text) {
  return {text.data(), text.size()};
}

/// Writes the queue out in pieces of `piece` bytes; the ops are recorded where they finish.
std::string written(SendQueue& queue, std::size_t piece, std::vector<std::uint64_t>& ops) {
  std::string out;
  while (!queue.empty()) {
    std::array<tt_iov, 3> parts;
    std::size_t left = piece;
    const std::size_t count = queue.gather(parts);
    for (std::size_t i = 0; i < count && left > 0; ++i) {
      const std::size_t taken = std::min(left, parts[i].len);
      out.append(static_cast<const char*>(parts[i].base), taken);
      left -= taken;
    }
    for (const auto op : queue.consume(piece - left)) ops.push_back(op);
  }
  return out;
}

TEST(SendQueue, WritesCopiedAndBorrowedBytesInOrder) {
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 100u}) {
    SendQueue queue(1000);
    const std::string lent = "borrowed";
    const std::array<tt_iov, 2> copied = {segment("co"), segment("pied")};
    const std::array<tt_iov, 3> borrowed = {segment(lent), segment(""), segment("lent")};
    queue.push_copied(copied);
    queue.push_borrowed(borrowed, 7);
    queue.push_copied(copied);
    queue.push_borrowed(borrowed, 8);
    EXPECT_EQ(queue.bytes(), 36u);

    std::vector<std::uint64_t> ops;
    EXPECT_EQ(written(queue, piece, ops), "copiedborrowedlentcopiedborrowedlent");

    EXPECT_THAT(ops, ElementsAre(7, 8)) << "piece " << piece;
    EXPECT_TRUE(queue.empty());
  }
}

TEST(SendQueue, CopiesBeforeReturning) {
  SendQueue queue(1000);
  std::string text = "first";
  const std::array<tt_iov, 1> parts = {segment(text)};
  queue.push_copied(parts);

  text.assign("XXXXX");

  std::vector<std::uint64_t> ops;
  EXPECT_EQ(written(queue, 100, ops), "first");
}

TEST(SendQueue, BorrowsWithoutCopying) {
  SendQueue queue(1000);
  const std::string text = "lent";
  const std::array<tt_iov, 1> parts = {segment(text)};
  queue.push_borrowed(parts, 1);

  std::array<tt_iov, 1> out;
  ASSERT_EQ(queue.gather(out), 1u);
  EXPECT_EQ(out[0].base, text.data());
}

TEST(SendQueue, SendsConstantsFromWhereTheyAre) {
  static constexpr std::array<std::byte, 3> constant = {std::byte{'x'}, std::byte{'y'},
                                                        std::byte{'z'}};
  SendQueue queue(1000);
  queue.push_constant(constant);
  const std::array<tt_iov, 1> parts = {segment("!")};
  queue.push_copied(parts);

  std::array<tt_iov, 2> out;
  ASSERT_EQ(queue.gather(out), 2u);
  EXPECT_EQ(out[0].base, constant.data());
  std::vector<std::uint64_t> ops;
  EXPECT_EQ(written(queue, 2, ops), "xyz!");
  EXPECT_THAT(ops, IsEmpty());
}

TEST(SendQueue, KeepsOrderWhileItIsNeverEmpty) {
  SendQueue queue(1'000'000);
  const std::string lent(3000, 'b');
  const std::string copied(3000, 'c');
  const std::array<tt_iov, 1> borrowed_parts = {segment(lent)};
  const std::array<tt_iov, 1> copied_parts = {segment(copied)};
  queue.push_copied(copied_parts);

  std::vector<std::uint64_t> ops;
  for (std::uint64_t round = 0; round < 200; ++round) {
    queue.push_borrowed(borrowed_parts, round);
    queue.push_copied(copied_parts);
    std::array<tt_iov, 1> first;
    ASSERT_EQ(queue.gather(first), 1u);
    ASSERT_EQ(*static_cast<const char*>(first[0].base), 'c') << "round " << round;
    for (const auto op : queue.consume(lent.size() + copied.size())) ops.push_back(op);
  }

  EXPECT_EQ(ops.size(), 200u);
  EXPECT_TRUE(std::is_sorted(ops.begin(), ops.end()));
  EXPECT_EQ(queue.segments(), 1u);
  EXPECT_EQ(queue.bytes(), copied.size());
}

TEST(SendQueue, PutsManySmallCopiesIntoOneSegment) {
  SendQueue queue(10'000);
  const std::array<tt_iov, 1> parts = {segment("0123456789")};
  for (int i = 0; i < 100; ++i) queue.push_copied(parts);

  EXPECT_EQ(queue.segments(), 1u);
  EXPECT_EQ(queue.bytes(), 1000u);
}

TEST(SendQueue, AppendsToASegmentThatIsHalfWritten) {
  SendQueue queue(10'000);
  const std::array<tt_iov, 1> parts = {segment("0123456789")};
  queue.push_copied(parts);
  EXPECT_THAT(queue.consume(4), IsEmpty());
  queue.push_copied(parts);

  std::vector<std::uint64_t> ops;
  EXPECT_EQ(written(queue, 100, ops), "4567890123456789");
}

TEST(SendQueue, AcceptsUpToItsMarkAndAnythingWhenEmpty) {
  SendQueue queue(100);
  const std::string text(60, 'x');
  const std::array<tt_iov, 1> parts = {segment(text)};

  EXPECT_TRUE(queue.accepts(1'000'000));
  queue.push_copied(parts);
  EXPECT_TRUE(queue.accepts(40));
  EXPECT_FALSE(queue.accepts(41));
  EXPECT_FALSE(queue.accepts(SIZE_MAX));
  queue.push_copied(parts);
  EXPECT_FALSE(queue.accepts(0)) << "above the mark";
  queue.consume(120);
  EXPECT_TRUE(queue.accepts(101));
}

TEST(SendQueue, GivesBackEveryBorrowedOpWhenDropped) {
  SendQueue queue(100);
  const std::array<tt_iov, 2> parts = {segment("abc"), segment("def")};
  queue.push_borrowed(parts, 1);
  queue.push_copied(parts);
  queue.push_borrowed(parts, 2);
  EXPECT_THAT(queue.consume(4), IsEmpty()) << "half of it is still borrowed";

  EXPECT_THAT(queue.drop(), ElementsAre(1, 2));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.segments(), 0u);
}

TEST(GatherList, DropsAPrefixAcrossSegments) {
  std::array<tt_iov, 4> parts = {segment("abc"), segment(""), segment("def"), segment("")};

  const auto rest = without_prefix(parts, 4);

  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(std::string_view(static_cast<const char*>(rest[0].base), rest[0].len), "ef");
  EXPECT_EQ(gathered_bytes(rest), 2u);
  EXPECT_TRUE(without_prefix(rest, 2).empty());
}

TEST(GatherList, CountsBytesWithoutWrappingAround) {
  const std::array<tt_iov, 2> parts = {tt_iov{nullptr, SIZE_MAX}, tt_iov{nullptr, 2}};

  EXPECT_EQ(gathered_bytes(parts), SIZE_MAX);
}

}  // namespace
