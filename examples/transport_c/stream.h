/* The stream of packets on a connection, in both directions. */
#ifndef SEQPACKET_STREAM_H
#define SEQPACKET_STREAM_H

#include "seqpacket.h"

/* Ends the connection: CLOSED follows, and nothing else. */
void seq_finish(tt_conn* conn, tt_status why, const char* reason);

/* Writes what the socket takes. At the end of a queue that ends with a goodbye it finishes. */
void seq_write(tt_conn* conn);
bool seq_queue_goodbye(tt_conn* conn);
void seq_drop_queue(tt_conn* conn);

/* Reads one datagram. False: there is none, or the connection has ended. `packet` is set when one
 * is whole. */
bool seq_read(tt_conn* conn, tt_rx** packet);

/* Takes what arrives after our close: nobody wants it, but a peer that closes as well waits until
 * it is rid of it. */
void seq_discard(tt_conn* conn);

#endif
