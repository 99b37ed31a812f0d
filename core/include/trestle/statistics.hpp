// What a node counted since its start, and has now, in a form that travels.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace trestle {

/// How often something happened for one reason: the name of an Errc, or a member of RefusalCounts.
struct ReasonCount {
  std::string reason;       ///< only those that occurred are listed
  std::uint64_t count = 0;  ///< since the node's start
};
BOOST_DESCRIBE_STRUCT(ReasonCount, (), (reason, count))

/// Messages that expected nothing and were lost; see LostMessages.
struct LossCount {
  std::string reason;          ///< the name of an Errc
  std::uint64_t unsent = 0;    ///< they never left
  std::uint64_t in_doubt = 0;  ///< they may have run
};
BOOST_DESCRIBE_STRUCT(LossCount, (), (reason, unsent, in_doubt))

/// What went over the transport of one scheme. A packet holds as many frames as fit.
struct TransportStatistics {
  std::string scheme;                  ///< such as "tcp"
  std::uint64_t connections = 0;       ///< open now
  std::uint64_t packets_sent = 0;      ///< given to the transport
  std::uint64_t bytes_sent = 0;        ///< in them
  std::uint64_t packets_received = 0;  ///< taken from it
  std::uint64_t bytes_received = 0;    ///< in them
  std::uint64_t bytes_unsent = 0;      ///< what connections hold now that has not left
};
BOOST_DESCRIBE_STRUCT(TransportStatistics, (),
                      (scheme, connections, packets_sent, bytes_sent, packets_received,
                       bytes_received, bytes_unsent))

/// Upper bounds of the rows of HandlerStatistics::latency; the last row is what took longer.
inline constexpr std::array<std::chrono::microseconds, 7> latency_bounds{
    std::chrono::microseconds(10),        std::chrono::microseconds(100),
    std::chrono::microseconds(1'000),     std::chrono::microseconds(10'000),
    std::chrono::microseconds(100'000),   std::chrono::microseconds(1'000'000),
    std::chrono::microseconds(10'000'000)};

/// What was counted for one handler since it was added.
struct HandlerStatistics {
  std::string handler;                 ///< as registered
  std::uint64_t admitted = 0;          ///< messages that were let in, to run now or later
  std::uint64_t under_way = 0;         ///< of them, those that wait or run now
  std::uint64_t failed = 0;            ///< the handler's own failures
  std::vector<ReasonCount> refused{};  ///< some of them after they were admitted
  /// How many messages took so long from arrival to outcome, one row for each of latency_bounds and
  /// one for the rest. Not timed are those that an inline handler answers in their turn, since a
  /// look at the clock takes longer than most of them, nor those that end once the node closes.
  std::vector<std::uint64_t> latency{};
};
BOOST_DESCRIBE_STRUCT(HandlerStatistics, (),
                      (handler, admitted, under_way, failed, refused, latency))

/// A node's counters since its start, and what it has now. Labels are bounded: schemes that it
/// opened, handlers that are registered, reasons that Trestle knows.
struct NodeStatistics {
  std::string instance_id;  ///< whose they are

  std::uint64_t messages_sent = 0;  ///< that expect nothing back
  /// Calls, pings and questions to system handlers, each attempt by itself. Each of them succeeds,
  /// fails, is pending, or was given up by its caller.
  std::uint64_t calls_started = 0;
  std::uint64_t calls_succeeded = 0;        ///< with a reply or an acknowledgement
  std::uint64_t calls_pending = 0;          ///< now
  std::vector<ReasonCount> calls_failed{};  ///< also those that were refused on this side
  std::vector<LossCount> messages_lost{};   ///< that expected nothing

  std::uint64_t messages_received = 0;          ///< of any mode
  std::vector<ReasonCount> messages_refused{};  ///< their handlers did not start
  std::uint64_t handler_errors = 0;             ///< failures of handlers
  std::uint64_t messages_waiting = 0;           ///< now: for a worker, a permit, a lane or a batch
  std::uint64_t messages_under_way = 0;         ///< now: those, and what runs beyond its turn

  std::uint64_t stray_outcomes = 0;    ///< for calls that had already ended
  std::uint64_t protocol_errors = 0;   ///< connections ended because the peer broke the rules
  std::uint64_t strangers_closed = 0;  ///< before their hello, because there were too many

  std::vector<TransportStatistics> transports{};  ///< those that were opened, by scheme
  std::vector<HandlerStatistics> handlers{};  ///< those registered, the system's included, by name
};
BOOST_DESCRIBE_STRUCT(NodeStatistics, (),
                      (instance_id, messages_sent, calls_started, calls_succeeded, calls_pending,
                       calls_failed, messages_lost, messages_received, messages_refused,
                       handler_errors, messages_waiting, messages_under_way, stray_outcomes,
                       protocol_errors, strangers_closed, transports, handlers))

}  // namespace trestle
