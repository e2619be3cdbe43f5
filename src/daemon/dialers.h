/* Cameras that publish frames (`subscribe`): dialled, and dialled again when lost. */
#ifndef DAEMON_DIALERS_H
#define DAEMON_DIALERS_H

#include "daemon/connection.h"
#include "daemon/daemon.h"

struct dialers;

/* Begins to dial each camera; they need not be there yet. Messages go to received(daemon, ...),
 * ends to closed(daemon, ...). LCAL_SYSTEM, LCAL_MEMORY. */
lcal_status
dialers_open(struct dialers **dialers, struct daemon *daemon,
             void (*received)(void *owner, struct connection *connection, struct message *message),
             void (*closed)(void *owner, struct connection *connection), lcal_error *error);

/* Closes connections and attempts that do not get on; called about once a second. */
void dialers_guard(struct dialers *dialers, uint64_t now_ns);

/* Ends connections and attempts; their handles end with the loop's next turns. */
void dialers_close(struct dialers *dialers);
void dialers_free(struct dialers *dialers); /* after the loop has run dry; NULL is fine */
#endif
