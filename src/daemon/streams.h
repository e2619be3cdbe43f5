/* The table of streams from the inside, and how each one's frames are accounted for: sent =
 * labelled + dropped + refused + lost. */
#ifndef DAEMON_STREAMS_H
#define DAEMON_STREAMS_H

#include "daemon/daemon.h"
#include "daemon/frame.h"

/* Makes the table, with every stream that the configuration names. */
lcal_status streams_create(struct daemon *daemon, lcal_error *error);
void streams_destroy(struct daemon *daemon); /* no frame waits or is in hand */

/* A stream first seen. LCAL_TOO_MANY_STREAMS, LCAL_MEMORY. */
lcal_status stream_create(struct daemon *daemon, const char *name, struct stream **stream,
                          lcal_error *error);

/* Follows the sender's counter of a frame, also of one that will be refused. */
void stream_follow(struct daemon *daemon, struct stream *stream, const struct frame *frame);

/* Drops a frame that was taken in and not started, and frees it; a requester gets `code` and
 * `message`. */
void stream_drop(struct daemon *daemon, struct frame *frame, enum drop_reason reason);

/* Every second: streams fall silent, unnamed ones are forgotten. */
void streams_tick(struct daemon *daemon, uint64_t now_ns);

/* Points every stream at its row of a new configuration. */
void streams_reconfigure(struct daemon *daemon);
#endif
