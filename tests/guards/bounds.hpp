// What messages may cost at most, and why just that. The only place with such numbers.
#pragma once

#include <string_view>

namespace trestle::guards {

/// A count that must not be exceeded.
struct Bound {
  double at_most;
  std::string_view reason;
};

// ---- Allocations per message: calls of operator new on all threads, once warm -------------------

inline constexpr Bound allocations{
    0, "payloads, calls, queues and holds of packets live in memory that is recycled"};

/// Of 200 messages that nobody has read yet, over inproc.
inline constexpr Bound allocations_train{
    0.02, "inproc keeps a spare chunk of 8 KiB; more than two that are full at once are made anew"};

/// Of pages that nobody answers, between threads.
inline constexpr Bound allocations_pages{
    0.02, "what one thread acquires and another releases may for once be new"};

inline constexpr Bound allocations_spawned{
    1.5, "the message that waits for its worker, and one of eight new blocks of their queue"};

// ---- System calls per message -------------------------------------------------------------------

/// Of the thread that makes a blocking call.
inline constexpr Bound client_call{3.2, "send, ppoll, recv, and epoll_wait every twentieth time"};

/// Of the thread that drives the server.
inline constexpr Bound server_call{3.2, "ppoll, recv, send, and epoll_wait every twentieth time"};

/// Of the same threads over libzmq, without what its own threads ask.
inline constexpr Bound zmq_call{
    6.5,
    "write to wake libzmq's thread; poll before the sleep, ppoll, and poll, read, poll after it"};

/// Writes and reads of both sides; 0.016 when each packet holds all calls that it can.
inline constexpr Bound pipe{0.1, "256 outstanding calls travel in few packets, replies as well"};

/// Writes; 0.003 when nothing interrupts the sender.
inline constexpr Bound one_way{0.03, "sends that follow each other closely leave together"};

// ---- Wake-ups -----------------------------------------------------------------------------------

inline constexpr Bound eventfd_writes{0.02, "who leads sleeps on the transport's descriptor"};

inline constexpr Bound futex_wakes{0.02, "the only caller leads, so nobody is parked"};

/// Of eight callers whose replies come at once.
inline constexpr Bound wakes_of_parked{
    1.2, "one futex wake for each, and one for the standby thread when the last caller leaves"};

/// Per second, of two connected nodes.
inline constexpr Bound idle_wake_ups{
    5.9, "a heartbeat a second: each side looks at its clock, one pings, the other answers"};

// ---- Growth, in bytes ---------------------------------------------------------------------------

/// In a million messages.
inline constexpr Bound heap_growth{
    1 << 20, "so much may wait to be used again; a leak of two bytes per message is more"};

/// Of each connection, on one side; 4.3 KiB.
inline constexpr Bound idle_connection{6 << 10,
                                       "both sides hold the same, and less than 32 KiB together"};

// ---- Instructions of a call: both nodes, user space, as callgrind counts them -------------------

/// A count that must be met, give or take a part of it.
struct Expected {
  double about;
  double tolerance;
};

// Measured with this compiler. Others, and builds without optimization, differ more than a change
// worth noticing: they are only kept from a multiple.
#if defined(__OPTIMIZE__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    __GNUC__ == 12
inline constexpr double tolerance = 0.15;
#else
inline constexpr double tolerance = 3.0;
#endif

constexpr Expected expected(double with_assertions, double as_released) {
#ifdef NDEBUG
  static_cast<void>(with_assertions);
  return {as_released, tolerance};
#else
  static_cast<void>(as_released);
  return {with_assertions, tolerance};
#endif
}

/// Both nodes on one thread: encoding, framing, both engines, the handler.
inline constexpr Expected instructions_inproc_64 = expected(5'750, 4'430);
/// The same with a payload that is lent instead of copied.
inline constexpr Expected instructions_inproc_4096 = expected(8'810, 7'070);
/// 256 calls under way, each of whose completions starts the next one: what is left of a call where
/// all that packets and turns take is shared by many.
inline constexpr Expected instructions_inproc_pipe_64 = expected(3'460, 2'770);
/// A message that nobody answers, from one end to the other: what is left where packets, locks and
/// turns are shared by 250.
inline constexpr Expected instructions_inproc_oneway_64 = expected(910, 825);
/// A caller and a server that sleep: electing the leader, waiting, the transport for sockets.
inline constexpr Expected instructions_unix_64 = expected(9'820, 7'280);

/// Through the wrapper that changes nothing, on both sides.
inline constexpr Expected instructions_pass_unix_64 = expected(10'400, 8'200);

}  // namespace trestle::guards
