/* The lock by which one labelcald owns a runtime or a state directory. */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <labelcal/status.h>

/* Takes an flock on DIRECTORY/lock, made if it is missing, and writes this process' id there. *fd
 * holds the lock until lcal__lock_release or the end of the process. The file is never unlinked:
 * two processes could then each hold a lock of that name. LCAL_SYSTEM if another process has it
 * (the sentence names the directory and the process), LCAL_BAD_CONFIG if the directory is
 * missing, or the file cannot be made there. */
lcal_status lcal__lock_take(int *fd, const char *directory, lcal_error *error);
void lcal__lock_release(int fd); /* -1 is fine */

#endif
