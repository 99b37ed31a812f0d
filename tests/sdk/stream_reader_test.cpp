// Decoding a byte stream into packets, however the bytes are cut.
#include <trestle/transport_kit/stream_reader.hpp>

#include "counting_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace trestle::transport_kit;
using testing::HasSubstr;
using trestle::sdk::testing::CountingHost;
using Outcome = StreamReader::Outcome;

constexpr std::uint64_t limit = 1 << 20;

std::string header(std::uint32_t length) {
  const PacketHeader bytes = packet_header(length);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string framed(const std::string& payload) {
  return header(static_cast<std::uint32_t>(payload.size())) + payload;
}

std::string preamble() {
  return {reinterpret_cast<const char*>(stream_preamble.data()), stream_preamble.size()};
}

/// A payload whose bytes differ by position, so that a displaced byte shows.
std::string patterned(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 7 + i / 251) & 0xff);
  return out;
}

class StreamReaderTest : public testing::Test {
 protected:
  /// Feeds `stream` in pieces of `piece` bytes at most, as reads would, and takes every packet.
  Outcome feed(const std::string& stream, std::size_t piece) {
    std::size_t at = 0;
    for (;;) {
      const Outcome outcome = take_all();
      end_round();
      if (outcome != Outcome::need_more || at == stream.size()) return outcome;
      std::size_t room = std::min(piece, stream.size() - at);
      std::size_t filled = 0;
      for (const auto& part : reader.space()) {
        const std::size_t count = std::min(part.size(), room);
        std::copy_n(reinterpret_cast<const std::byte*>(stream.data()) + at, count, part.begin());
        at += count;
        room -= count;
        filled += count;
      }
      EXPECT_GT(filled, 0u) << "no space in a new round";
      if (filled == 0) return Outcome::failed;
      reader.commit(filled);
    }
  }

  Outcome take_all() {
    for (;;) {
      auto step = reader.next();
      if (step.outcome != Outcome::packet) return step.outcome;
      packets.emplace_back(reinterpret_cast<const char*>(step.bytes.data()), step.bytes.size());
      held += step.held != nullptr ? 1 : 0;
    }
  }

  /// As a transport does: other streams read into the same buffer.
  void end_round() {
    reader.settle();
    const std::size_t used = ReadBuffer::round_bytes_max - shared.room().size();
    shared.recycle();
    const auto stale = shared.room().first(used);
    std::fill(stale.begin(), stale.end(), std::byte{'#'});
  }

  void put(const std::string& bytes) {
    std::memcpy(reader.space()[0].data(), bytes.data(), bytes.size());
    reader.commit(bytes.size());
  }

  CountingHost memory;
  ReadBuffer shared;
  ReceivePool pool{memory.host()};
  StreamReader reader{shared, pool, limit};
  std::vector<std::string> packets;
  int held = 0;
};

class StreamReaderPieces : public StreamReaderTest,
                           public testing::WithParamInterface<std::size_t> {};

TEST_P(StreamReaderPieces, ReturnsTheSamePacketsHoweverTheStreamIsCut) {
  const std::vector<std::size_t> sizes = {0,     1,     3,     16383, 16384, 16385, 0,     65535,
                                          65536, 65537, 15000, 15000, 15000, 15000, 15000, 200000};
  std::vector<std::string> sent;
  std::string stream = preamble();
  for (const std::size_t size : sizes) {
    sent.push_back(patterned(size));
    stream += framed(sent.back());
  }

  const Outcome outcome = feed(stream + header(goodbye_length), GetParam());

  EXPECT_EQ(outcome, Outcome::goodbye) << reader.error().text;
  ASSERT_EQ(packets.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(packets[i].size(), sent[i].size()) << "packet " << i;
    EXPECT_TRUE(packets[i] == sent[i]) << "packet " << i << ", too long to print";
  }
  EXPECT_EQ(held, 5) << "only packets above the small size have memory of their own";
}

INSTANTIATE_TEST_SUITE_P(Cuts, StreamReaderPieces,
                         testing::Values(1, 2, 3, 5, 1000, 4093, 16388, 65536, 1u << 20));

TEST_F(StreamReaderTest, KeepsViewsIntactUntilRecycled) {
  std::string stream = preamble();
  for (int i = 0; i < 3; ++i) stream += framed(std::string(10'000, static_cast<char>('a' + i)));
  put(stream);
  const auto first = reader.next();
  const auto second = reader.next();

  const auto space = reader.space();
  for (const auto& part : space) std::fill(part.begin(), part.end(), std::byte{'!'});

  EXPECT_TRUE(std::all_of(first.bytes.begin(), first.bytes.end(),
                          [](std::byte b) { return b == std::byte{'a'}; }));
  EXPECT_TRUE(std::all_of(second.bytes.begin(), second.bytes.end(),
                          [](std::byte b) { return b == std::byte{'b'}; }));
}

TEST_F(StreamReaderTest, ReadsALargePacketStraightIntoItsOwnMemory) {
  put(preamble() + header(200'000));

  EXPECT_EQ(reader.next().outcome, Outcome::need_more);

  EXPECT_EQ(reader.space()[0].size(), 200'000u);
  EXPECT_GT(reader.space()[1].size(), 0u) << "what follows is read in the same call";
}

TEST_F(StreamReaderTest, RefusesALengthAboveTheLimitBeforeTakingMemory) {
  EXPECT_EQ(feed(preamble() + header(limit + 1), 64), Outcome::failed);

  EXPECT_EQ(reader.error().code, TT_E_TOOBIG);
  EXPECT_THAT(reader.error().text, HasSubstr("1048577 bytes; the limit is 1048576"));
  EXPECT_EQ(memory.allocations, 0u);
}

TEST_F(StreamReaderTest, AcceptsALengthAtTheLimit) {
  EXPECT_EQ(feed(preamble() + framed(patterned(limit)), 65536), Outcome::need_more);

  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(packets[0] == patterned(limit)) << "too long to print";
  EXPECT_EQ(memory.live_bytes, 0u) << "released with the packet";
}

TEST_F(StreamReaderTest, RefusesAFirstPacketAboveItsLimitBeforeTakingMemory) {
  constexpr std::uint32_t first = 40'000;
  reader.limit_first_packet(first);

  EXPECT_EQ(feed(preamble() + header(first + 1), 64), Outcome::failed);
  EXPECT_EQ(reader.error().code, TT_E_TOOBIG);
  EXPECT_THAT(reader.error().text, testing::HasSubstr("the limit is 40000 for the first"));
  EXPECT_EQ(memory.allocations, 0u);
}

TEST_F(StreamReaderTest, AcceptsAFirstPacketAtItsLimitAndLargerOnesAfterIt) {
  constexpr std::uint32_t first = 40'000;
  reader.limit_first_packet(first);

  EXPECT_EQ(feed(preamble() + framed(patterned(first)) + framed(patterned(first + 1)), 8192),
            Outcome::need_more);
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_EQ(packets.back(), patterned(first + 1));

  EXPECT_EQ(feed(header(limit + 1), 64), Outcome::failed);
}

TEST_F(StreamReaderTest, RefusesForeignProtocolsByTheirFirstByte) {
  EXPECT_EQ(feed("GET / HTTP/1.1\r\n", 64), Outcome::failed);

  EXPECT_EQ(reader.error().code, TT_E_PROTOCOL);
  EXPECT_THAT(reader.error().text, HasSubstr("\"GET / HTTP/1.1\\x0d\\x0a\""));
  EXPECT_EQ(reader.next().outcome, Outcome::failed) << "a failed stream stays failed";
}

TEST_F(StreamReaderTest, RefusesAWrongLastByteOfThePreamble) {
  EXPECT_EQ(feed("\xABTS2" + framed("x"), 1), Outcome::failed);

  EXPECT_EQ(reader.error().code, TT_E_PROTOCOL);
  EXPECT_THAT(reader.error().text, HasSubstr("\\xabTS2"));
}

TEST_F(StreamReaderTest, RefusesBytesAfterTheGoodbye) {
  EXPECT_EQ(feed(preamble() + header(goodbye_length) + "x", 64), Outcome::failed);

  EXPECT_EQ(reader.error().code, TT_E_PROTOCOL);
}

TEST_F(StreamReaderTest, FailsWhenTheHostHasNoMemory) {
  memory.bytes_max = 1000;

  EXPECT_EQ(feed(preamble() + framed(patterned(100'000)), 64), Outcome::failed);

  EXPECT_EQ(reader.error().code, TT_E_NOMEM);
  EXPECT_THAT(reader.error().text, HasSubstr("100000 bytes"));
}

TEST_F(StreamReaderTest, FreesAHalfReadPacketWithTheReader) {
  {
    StreamReader half(shared, pool, limit);
    const std::string stream = preamble() + header(100'000);
    std::memcpy(half.space()[0].data(), stream.data(), stream.size());
    half.commit(stream.size());
    EXPECT_EQ(half.next().outcome, Outcome::need_more);
    EXPECT_GT(memory.live_bytes, 100'000u);
  }
  EXPECT_EQ(memory.live_bytes, 0u);
}

TEST_F(StreamReaderTest, GivesSeveralStreamsTheirOwnBytesInOneRound) {
  StreamReader other(shared, pool, limit);
  put(preamble() + framed("mine") + header(6) + "spl");
  ASSERT_EQ(take_all(), Outcome::need_more);
  const std::string theirs = preamble() + framed("theirs");
  std::memcpy(other.space()[0].data(), theirs.data(), theirs.size());
  other.commit(theirs.size());
  const auto step = other.next();

  put("it!" + framed("more"));
  ASSERT_EQ(take_all(), Outcome::need_more);

  EXPECT_THAT(packets, testing::ElementsAre("mine", "split!", "more"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(step.bytes.data()), step.bytes.size()),
            "theirs");
}

TEST_F(StreamReaderTest, KeepsWhatWasNotTakenOverARound) {
  put(preamble() + framed("one") + framed("two") + framed("three"));
  ASSERT_EQ(reader.next().outcome, Outcome::packet);
  end_round();
  const auto second = reader.next();
  reader.settle();

  EXPECT_EQ(std::string(reinterpret_cast<const char*>(second.bytes.data()), second.bytes.size()),
            "two")
      << "settling must not touch what was handed out in this round";
  EXPECT_EQ(take_all(), Outcome::need_more);
  EXPECT_THAT(packets, testing::ElementsAre("three"));
}

TEST_F(StreamReaderTest, WaitsForTheNextRoundWhenASmallPacketMightNotFit) {
  shared.take(ReadBuffer::round_bytes_max - StreamReader::small_packet_bytes_max);

  EXPECT_TRUE(reader.space()[0].empty());
  end_round();
  EXPECT_FALSE(reader.space()[0].empty());
}

TEST_F(StreamReaderTest, GetsMemoryAsBytesArriveNotAsTheyAreAnnounced) {
  put(preamble() + header(limit));

  EXPECT_EQ(reader.next().outcome, Outcome::need_more);
  EXPECT_LT(memory.live_bytes, StreamReader::first_bytes_max + 4096);

  const std::string rest = patterned(limit);
  EXPECT_EQ(feed(rest.substr(0, 600'000), 65536), Outcome::need_more);
  EXPECT_LT(memory.live_bytes, 2 * 600'000u);
  EXPECT_EQ(feed(rest.substr(600'000), 65536), Outcome::need_more);
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(packets[0] == rest) << "too long to print";
}

TEST_F(StreamReaderTest, GetsAsMuchAtOnceAsItHasFilledBefore) {
  EXPECT_EQ(feed(preamble() + framed(patterned(limit)), 65536), Outcome::need_more);

  put(header(limit));
  EXPECT_EQ(reader.next().outcome, Outcome::need_more);

  EXPECT_EQ(reader.space()[0].size(), limit);
}

TEST_F(StreamReaderTest, SaysWhetherAPacketHasBegun) {
  EXPECT_EQ(feed(preamble() + framed("one") + header(40), 64), Outcome::need_more);
  EXPECT_TRUE(reader.is_unfinished());
  EXPECT_EQ(reader.packets_received(), 1u);
  EXPECT_EQ(reader.bytes_received(), 4u + 7 + 4);

  EXPECT_EQ(feed(std::string(40, 'x'), 64), Outcome::need_more);
  EXPECT_FALSE(reader.is_unfinished());
}

/// Streams whose packets come in part. Between them they may hold eight times the largest packet.
class UnfinishedPackets : public StreamReaderTest {
 protected:
  static constexpr std::uint64_t largest = 100'000;

  struct Stream {
    Stream(ReadBuffer& shared, ReceivePool& pool)
        : reader(shared, pool, largest, [this] { ++given_up; }) {}
    int given_up = 0;
    StreamReader reader;
  };

  /// A stream that has said that so many bytes will come.
  Stream& announce(std::size_t bytes) {
    Stream& stream = *streams.emplace_back(std::make_unique<Stream>(shared, bounded));
    const std::string said = preamble() + header(static_cast<std::uint32_t>(bytes));
    std::memcpy(stream.reader.space()[0].data(), said.data(), said.size());
    stream.reader.commit(said.size());
    stream.reader.next();
    stream.reader.settle();
    return stream;
  }

  ReceivePool bounded{memory.host(), largest};
  std::vector<std::unique_ptr<Stream>> streams;
};

TEST_F(UnfinishedPackets, MayHoldEightOfTheLargest) {
  for (int i = 0; i < 8; ++i) announce(largest);

  EXPECT_EQ(bounded.unfinished_bytes(), bounded.unfinished_bytes_max());
  for (const auto& stream : streams) EXPECT_EQ(stream->given_up, 0);
}

TEST_F(UnfinishedPackets, WhoHoldsMostGivesUpFirst) {
  announce(largest - 1);
  Stream& most = announce(largest);
  for (int i = 0; i < 6; ++i) announce(largest - 1);

  Stream& small = announce(50'000);

  EXPECT_EQ(most.given_up, 1);
  EXPECT_EQ(small.reader.next().outcome, Outcome::need_more);
  EXPECT_EQ(most.reader.next().outcome, Outcome::failed);
  EXPECT_EQ(most.reader.error().code, TT_E_NOMEM);
  EXPECT_THAT(most.reader.error().text, HasSubstr("100000 bytes, of which 0 have come"));
  EXPECT_THAT(most.reader.error().text, HasSubstr("held 800000 bytes or more"));
}

TEST_F(UnfinishedPackets, OfThoseThatHoldAsMuchTheOldestGivesUp) {
  for (int i = 0; i < 9; ++i) announce(largest);

  EXPECT_EQ(streams[0]->given_up, 1);
  for (std::size_t i = 1; i < 9; ++i) EXPECT_EQ(streams[i]->given_up, 0) << i;
}

TEST_F(UnfinishedPackets, GiveTheirRoomBackWithTheirStream) {
  for (int i = 0; i < 8; ++i) announce(largest);
  streams.pop_back();

  announce(largest);

  for (const auto& stream : streams) EXPECT_EQ(stream->given_up, 0);
}

TEST_F(StreamReaderTest, UsesTheMemoryOfALargePacketAgain) {
  for (int i = 0; i < 5; ++i) {
    put((i == 0 ? preamble() : "") + framed(patterned(50'000)));
    auto step = reader.next();
    ASSERT_EQ(step.outcome, Outcome::packet);
    pool.release(*pool.lend(std::move(step.held)));
    end_round();
  }
  EXPECT_EQ(memory.allocations, 1u);
}

}  // namespace
