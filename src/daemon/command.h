/* One control request from its arrival to its answer, whichever door it came by (the control
 * socket, POST /api/command). Commands run on the loop; those that wait (durable changes,
 * reload) answer later. */
#ifndef DAEMON_COMMAND_H
#define DAEMON_COMMAND_H

#include "daemon/daemon.h"

/* Where an answer goes. `send` is called once with one whole msgpack message (result or error)
 * and releases the sink; bytes are only borrowed. */
struct answer_sink {
  void (*send)(struct answer_sink *sink, const void *bytes, size_t length, lcal_status code);
};

/* Runs one request: `body` is one msgpack map, hostile, borrowed for the call. Answers through
 * `sink` now or later, exactly once, also at shutdown. */
void command_receive(struct daemon *daemon, const void *body, size_t length,
                     struct answer_sink *sink);

/* The idempotent answers kept by id, and requests still running; made and freed by the daemon. */
struct answers;
struct answers *answers_create(void);
void answers_destroy(struct answers *answers);
#endif
