/* Where sockets and snapshots live: flags, then the service manager's environment, then /run and
 * /var/lib for root, XDG's directories for a user. */
#ifndef DAEMON_DIRECTORIES_H
#define DAEMON_DIRECTORIES_H

#include <labelcal/status.h>
#include <stdbool.h>

struct directories {
  char *runtime, *state; /* absolute, without a slash at the end */
};

/* `runtime_flag`, `state_flag`: --runtime-dir and --state-dir, or NULL. With `start`, those under
 * XDG are created (0700) and all others must exist; without (--check-config) nothing is touched.
 * LCAL_BAD_CONFIG names what is missing and the remedy. Zero-initialise; free in any case. */
lcal_status directories_find(struct directories *directories, const char *runtime_flag,
                             const char *state_flag, bool start, lcal_error *error);
void directories_free(struct directories *directories);
#endif
