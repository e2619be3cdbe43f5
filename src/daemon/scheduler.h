/* Which frame is next: every stream's mailbox, and the queue of calibrate's requests. Within a
 * stream the older frame goes first; among streams and requests what is due first (frame_due):
 * the earliest deadline, then the oldest. A stream's wait for its turn goes on when its frame is
 * dropped for a newer one, so that cameras which send more than can be labelled take turns. */
#ifndef DAEMON_SCHEDULER_H
#define DAEMON_SCHEDULER_H

#include "daemon/daemon.h"
#include "daemon/frame.h"

struct scheduler *scheduler_create(void);            /* NULL: no memory */
void scheduler_destroy(struct scheduler *scheduler); /* nothing waits; NULL is fine */

/* Takes in a frame of a stream and starts what can be started; drops the oldest of the stream
 * beyond its depth, and the oldest of all beyond limits.queued_bytes. */
void scheduler_put(struct daemon *daemon, struct frame *frame);

/* Whether another request may wait (else it is busy). */
bool scheduler_has_room(const struct daemon *daemon, const struct bank *bank, size_t bytes);

/* Takes the next frame of `bank` out; those whose deadline has passed are dropped. NULL: none. */
struct frame *scheduler_take(struct daemon *daemon, struct bank *bank, uint64_t now_ns);

/* Drops every frame whose deadline has passed. */
void scheduler_expire(struct daemon *daemon, uint64_t now_ns);

/* Drops the oldest frame of a stream's mailbox. */
void scheduler_drop_oldest(struct daemon *daemon, struct stream *stream, enum drop_reason reason);

/* Drops all that waits (the daemon stops). */
void scheduler_drop_all(struct daemon *daemon);

/* Whether a request of this stream waits. */
bool scheduler_has(const struct scheduler *scheduler, const struct stream *stream);
#endif
