/* One connection that speaks SP (the wire format of nng and nanomsg): a handshake, then messages
 * behind their lengths, over nng's streams.
 *
 * Why not nng's sockets: in nng 1.5.2 nng_close() of a socket on which a message is just arriving
 * can hang for good, its reap thread with it (measured: one close in twenty of a SUB that takes
 * 2 MB messages). A stream with nothing under way closes at once. */
#ifndef CLIENT_SP_H
#define CLIENT_SP_H

#include "wire/framing.h"

#include <nng/nng.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: not connected. */
struct lcal__sp {
  nng_stream_dialer *dialer; /* made with the first dial */
  nng_aio *aio;
  nng_stream *stream;           /* NULL: not connected */
  int local;                    /* ipc, not tcp */
  uint8_t head[LCAL__HEAD_MAX]; /* the message that arrives: its head, then its body */
  size_t head_got;
  uint8_t *body;
  size_t size, got, room;
};

/* All return nng's error codes, and wait until `deadline_ms` (lcal__now_ms; at least a
 * millisecond). Any failure but NNG_ETIMEDOUT closes the connection. */

/* Connects and shakes hands. NNG_EPROTO: the peer is not what it should be. */
int lcal__sp_dial(struct lcal__sp *sp, const char *url, enum lcal__sp_protocol own,
                  enum lcal__sp_protocol peer, uint64_t deadline_ms);

/* Sends one message made of `count` parts (at most 2). A time-out in its middle closes the
 * connection. */
int lcal__sp_send(struct lcal__sp *sp, const nng_iov *parts, unsigned count, uint64_t deadline_ms);

/* Receives one message into body[0..size), valid until the next receive; after a time-out the
 * next receive goes on with it. NNG_EMSGSIZE: longer than `most`. */
int lcal__sp_receive(struct lcal__sp *sp, size_t most, uint64_t deadline_ms);

/* Closes the connection; free() also what it needed. */
void lcal__sp_close(struct lcal__sp *sp);
void lcal__sp_free(struct lcal__sp *sp);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t lcal__now_ms(void);

/* Sleeps, but not beyond the deadline. */
void lcal__nap(uint64_t ms, uint64_t deadline_ms);
#endif
