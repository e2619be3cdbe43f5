/* Frames from their arrival to a mailbox: followed, checked in protocol.md's order, taken in or
 * refused. */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

#include "daemon/daemon.h"
#include "daemon/frame.h"

/* A message came that should be a frame, by this connection; takes it. */
void frame_received(struct daemon *daemon, struct message *message, uint32_t connection);

/* The same for a request on `calibrate`. */
void frame_requested(struct daemon *daemon, struct request *request);

/* Refuses a frame and frees it: an error to its requester, or a counter and a rare log line. */
void frame_refuse(struct daemon *daemon, struct frame *frame, const lcal_error *error);

/* Answers a frame's requester with an error. */
void frame_answer_error(struct frame *frame, const lcal_error *error);
#endif
