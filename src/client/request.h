/* One command on the control socket: identified once, sent until it is answered. */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/link.h"

struct lcal__call {
  char id[37]; /* a UUID */
  const char *name;
  const lcal_bytes *args; /* one msgpack map, or NULL */
};

/* Gives the command an id of its own. LCAL_ARGUMENT, LCAL_SYSTEM. */
lcal_status lcal__call_identify(struct lcal__call *call, lcal_error *error);

/* Sends the command, again under the same id and number while no answer comes, for at most
 * timeout_ms. *result is its result map, a view of link->message. A refusal is the returned status
 * and *error. */
lcal_status lcal__call_run(const struct lcal__call *call, struct lcal__link *link,
                           uint32_t timeout_ms, lcal_bytes *result, lcal_error *error);

/* The code and sentence of an error message, as a call's status. */
lcal_status lcal__refusal(const void *body, size_t length, lcal_error *error);
#endif
