/* What libuv ends the process for when it cannot have it, had before anything depends on it: so
 * that want of it refuses the start, with a sentence, and does not end a daemon that labels. */
#ifndef DAEMON_PROVISION_H
#define DAEMON_PROVISION_H

#include "daemon/daemon.h"

/* Before the loop is made: descriptors and threads are to be had. LCAL_SYSTEM. */
lcal_status provision_check(lcal_error *error);

/* Into a loop just made: its table of watchers has room for all descriptors that the limits allow,
 * and the threads of its pool run. */
lcal_status provision_loop(struct daemon *daemon, lcal_error *error);
#endif
