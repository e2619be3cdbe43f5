/* Every SP socket of the daemon: frames in (PULL, and a SUB for each camera that publishes),
 * calibrate and control (REP), labels and state (PUB). All on the loop. */
#ifndef DAEMON_SOCKETS_H
#define DAEMON_SOCKETS_H

#include "daemon/connection.h"
#include "daemon/daemon.h"

/* Listens on every address and dials every camera; messages arrive as soon as the loop turns.
 * LCAL_SYSTEM, LCAL_MEMORY. */
lcal_status sockets_open(struct daemon *daemon, lcal_error *error);

/* Ends listeners and connections; their handles end with the loop's next turns. */
void sockets_close(struct daemon *daemon);
void sockets_free(struct daemon *daemon); /* after the loop has run dry */

/* Whether anybody subscribes to labels. */
bool sockets_subscribed(const struct daemon *daemon);

/* Publishes a labels message: each subscriber holds it while it is sent. */
void sockets_publish_labels(struct daemon *daemon, struct message *message);

/* Whether replies or events are still on their way to peers. */
bool sockets_sending(const struct daemon *daemon);

/* The listener guard's turn, and what daemon_health says of it. */
void sockets_guard(struct daemon *daemon, uint64_t now_ns);
const char *sockets_health(const struct daemon *daemon, uint64_t now_ns);
#endif
