/* A bank's folder of generations, looked at off the loop: what of the configuration that takes
 * is copied, because a reload may replace it meanwhile. */
#ifndef DAEMON_FOLDER_H
#define DAEMON_FOLDER_H

#include "daemon/daemon.h"
#include "store/directory.h"

struct folder {
  const char *state_dir; /* the daemon's, for its life */
  lcal_name bank, model;
  uint32_t class_count;
  lcal_name *classes; /* owned */
};

/* On the loop. LCAL_MEMORY. */
lcal_status folder_copy(struct folder *folder, const struct daemon *daemon, const struct bank *bank,
                        lcal_error *error);
void folder_release(struct folder *folder); /* zeroed is fine */

/* On any thread; close it with lcal__directory_close. */
lcal_status folder_open(const struct folder *folder, struct lcal__directory **directory,
                        lcal_error *error);
#endif
