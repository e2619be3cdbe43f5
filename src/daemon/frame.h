/* One received frame and the message it lies in. Owned by the loop (a mailbox or the calibrate
 * queue), then by the job that labels it; the tensor's view points into the message, so the two
 * end together. */
#ifndef DAEMON_FRAME_H
#define DAEMON_FRAME_H

#include "daemon/message.h"
#include "daemon/stream.h"

struct request;

struct frame {
  struct message *message; /* owned; NULL: it lies in `request` */
  struct request *request; /* calibrate: whom to answer, else NULL; owned until answered */
  lcal_frame header;
  lcal_error read;       /* how reading it ended; code LCAL_OK: well */
  uint32_t connection;   /* it came by */
  uint64_t received_ns;  /* monotonic */
  uint64_t deadline_ns;  /* monotonic, after which it is not started; 0 = none */
  uint64_t due_ns;       /* monotonic: its rank among all banks' frames; set when it is taken */
  size_t bytes;          /* of the message */
  struct stream *stream; /* once taken in */
  struct frame *next;    /* in its mailbox or queue, older to newer */
};

/* Reads a whole SP body as a frame; `calibrate` as lcal_frame_read has it. Takes `message` or
 * `request`, one of which is NULL. NULL and neither taken if memory is short. */
struct frame *frame_create(struct message *message, struct request *request, uint32_t connection);

/* Frees the frame and its message; a request that was not answered is dropped. NULL is fine. */
void frame_destroy(struct frame *frame);

/* When a frame is due whose turn has been waited for since `since_ns`: so long after it as the
 * frame's deadline is after its receipt; without a deadline, a second. */
uint64_t frame_due(const struct frame *frame, uint64_t since_ns);

/* Whether its deadline has passed at `now_ns`. */
bool frame_expired(const struct frame *frame, uint64_t now_ns);
#endif
