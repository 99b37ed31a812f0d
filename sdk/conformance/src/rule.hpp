// The rules that hold in every check, and how one of them is broken.
#pragma once

#include <string>

namespace trestle::conformance {

/// A sentence of the contract.
struct Rule {
  const char* section;   ///< of docs/writing_a_transport.md
  const char* expected;  ///< what it asks for
};

/// An empty text: no rule was broken.
struct Violation {
  const Rule* rule = nullptr;
  std::string text;  ///< what happened instead
};

namespace rules {

inline constexpr Rule order{
    "Connections",
    "for each connection ACCEPTED or CONNECTED, then PACKET, SENT and WRITABLE, then one CLOSED"};
inline constexpr Rule acceptance{
    "Connections", "ACCEPTED alone of its connection in its batch, with the listener's cookie"};
inline constexpr Rule cookies{"Connections", "the cookie that the host gave to the connection"};
inline constexpr Rule kinds{"Packets", "event kinds that this host knows"};
inline constexpr Rule lending{"Lent memory",
                              "one SENT for each TT_PENDING, before CLOSED, and no other"};
inline constexpr Rule borrowing{
    "Lent memory",
    "TT_PENDING only with TT_CAP_TX_BORROW, above copy_max and without TT_SEND_COPY"};
inline constexpr Rule holding{
    "Lent memory", "an rx only with TT_CAP_RX_HOLD and rx_release, and for every TT_EVF_SEGS"};
inline constexpr Rule bulk{"Bulk", "one BULK for each get() or put() that pends, before CLOSED"};
inline constexpr Rule writable{"Flow", "one WRITABLE after TT_E_AGAIN, and no other"};
inline constexpr Rule answers{"Errors", "TT_OK, TT_PENDING or an error from send()"};
inline constexpr Rule unlistening{"Addresses", "one UNLISTENED for each listener"};
inline constexpr Rule down{"Shutdown",
                           "DOWN after shutdown(), as the last event of all of the transport's"};
inline constexpr Rule own_threads{
    "Threads", "wake, log, now, alloc and dealloc alone from threads of the plugin's own"};
inline constexpr Rule quiet_log{"Conformance", "no warning in the log"};

}  // namespace rules
}  // namespace trestle::conformance
