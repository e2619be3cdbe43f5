/* A stream's mailbox: frames that wait to be labelled, the newest `depth` of them. */
#ifndef DAEMON_MAILBOX_H
#define DAEMON_MAILBOX_H

#include "daemon/frame.h"

/* Puts the newest frame in. */
void mailbox_put(struct stream *stream, struct frame *frame);

/* Takes the oldest frame out, or NULL. */
struct frame *mailbox_take(struct stream *stream);

/* What was taken is labelled: the stream waits for its next turn from now on. */
void mailbox_served(struct stream *stream);
#endif
