/* The addresses that the SP sockets listen on, and the guard that proves each of them alive.
 *
 * The guard connects to every listener about twice a second, shakes hands and waits until the
 * daemon itself has accepted that very connection. A listener that does not come up with it (its
 * file was removed or replaced, it has no descriptors) is closed and opened again, counted and
 * raised as an event; connections that stand are not touched. */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "daemon/connection.h"
#include "daemon/daemon.h"

struct listeners;

/* Whose the accepted connections are. */
struct listener_owner {
  const struct connection_role *role;
  void *owner;
};

/* Refuses (LCAL_SYSTEM) an ipc path where something other than a socket lies. Touches nothing. */
lcal_status listeners_check_paths(const struct config *config, lcal_error *error);

/* Listens on every configured address. On failure all are closed again. */
lcal_status listeners_open(struct listeners **listeners, struct daemon *daemon,
                           const struct listener_owner owners[ENDPOINT_COUNT], lcal_error *error);

/* Closes them and removes their files; their handles end with the loop's next turns. */
void listeners_close(struct listeners *listeners);
void listeners_free(struct listeners *listeners); /* after the loop has run dry; NULL is fine */

/* The guard's own connection has opened. */
void listener_proved(struct listener *listener);

/* The guard's turn, a few times a second. */
void listeners_guard(struct listeners *listeners, uint64_t now_ns);

/* NULL, or a sentence that names a listener which has not proved itself for long. */
const char *listeners_health(struct listeners *listeners, uint64_t now_ns);
#endif
