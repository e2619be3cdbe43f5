/* One request of a REP socket until it is answered or dropped. */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include "daemon/command.h"
#include "daemon/connection.h"

struct request {
  struct answer_sink sink;       /* for commands: answers this request */
  struct connection *connection; /* held; it may be closed meanwhile */
  struct message *message;
  size_t header_length; /* of the words in front of the body, which a reply begins with again */
};

/* Takes the message. NULL (and the message is freed): it is no request, or no memory. */
struct request *request_create(struct connection *connection, struct message *message);

/* The body, valid while the request is there. */
const void *request_body(const struct request *request, size_t *length);

/* Replies (the message is held while it is sent) and frees the request. */
void request_reply(struct request *request, struct message *reply);

/* There is no memory for a reply: ends the connection, so that its peer does not wait for one, and
 * frees the request. */
void request_drop(struct request *request);
#endif
