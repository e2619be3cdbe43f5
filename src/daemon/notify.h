/* The service manager's notifications (sd_notify's protocol): one datagram each to
 * $NOTIFY_SOCKET. Without a service manager nothing is sent. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <labelcal/status.h>
#include <stdbool.h>
#include <stdint.h>

struct notify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child
 * speaks for us. LCAL_MEMORY, LCAL_SYSTEM. */
lcal_status notify_create(struct notify **notify, lcal_error *error);
void notify_destroy(struct notify *notify); /* NULL is fine */

/* Each returns false if there is a service manager and it did not take the datagram. */
bool notify_ready(struct notify *notify, const char *status);
bool notify_status(struct notify *notify, const char *status); /* one line for people */
bool notify_reloading(struct notify *notify); /* end it with notify_ready(), also when refused */
bool notify_stopping(struct notify *notify);
bool notify_watchdog(struct notify *notify); /* we are well */

/* How often the watchdog wants to hear, in ns: half its period; 0 = it is off. */
uint64_t notify_watchdog_ns(const struct notify *notify);
#endif
