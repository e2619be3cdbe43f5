/* Each sender's frame counter, followed per connection and stream (protocol.md, "seq"). */
#ifndef DAEMON_SEQUENCE_H
#define DAEMON_SEQUENCE_H

#include "daemon/stream.h"

enum sequence_step {
  SEQUENCE_FIRST,     /* of this connection and stream */
  SEQUENCE_NEXT,      /* one more than the last */
  SEQUENCE_GAP,       /* frames between are lost */
  SEQUENCE_DUPLICATE, /* equal to the last */
  SEQUENCE_RESTART    /* smaller, or far ahead: the sender began anew */
};

/* What `seq` is after `last`; *lost is the number of frames between (0 unless a gap). */
enum sequence_step sequence_compare(uint64_t last, uint64_t seq, uint64_t *lost);

struct sequences; /* the last seq of each connection and stream */

struct sequences *sequences_create(void);            /* NULL: no memory */
void sequences_destroy(struct sequences *sequences); /* NULL is fine */

/* Follows one frame of `stream` by `connection`. Out of memory, the connection is not followed:
 * every frame is its first. */
enum sequence_step sequences_follow(struct sequences *sequences, uint32_t connection,
                                    const struct stream *stream, uint64_t seq, uint64_t *lost);

/* Forgets a stream that is about to go. */
void sequences_forget_stream(struct sequences *sequences, const struct stream *stream);

/* Forgets a connection that is gone. */
void sequences_forget_connection(struct sequences *sequences, uint32_t connection);
#endif
