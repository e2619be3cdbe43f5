/* The messages on their way in, over all connections, in the order in which they began. The memory
 * of each follows the bytes that came (message.h); this bounds their sum. Where it is too much, the
 * message that began first makes room, and its connection is closed: a peer that holds back the
 * end of a message loses it, and one that has just begun does not pay for those who do. */
#ifndef DAEMON_ARRIVALS_H
#define DAEMON_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

struct connection;

struct arrivals {
  uint64_t most;  /* bytes of all; one message alone may have more */
  uint64_t bytes; /* held now */
  struct connection *oldest, *newest;
};

/* The connection's message has begun or its room has grown. Closes connections with older messages
 * where there is too much now; false if there are none and this one must go. */
bool arrivals_follow(struct arrivals *arrivals, struct connection *connection);

/* It is whole, or given up. Fine when there is none. */
void arrivals_leave(struct arrivals *arrivals, struct connection *connection);
#endif
