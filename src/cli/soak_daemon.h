/* A labelcald of a soak's own: in a directory of its own, started, watched and ended. */
#ifndef CLI_SOAK_DAEMON_H
#define CLI_SOAK_DAEMON_H

#include <labelcal/status.h>

#include <stdint.h>
#include <sys/types.h>

typedef struct soak_daemon {
  char directory[64]; /* "": not made */
  char runtime[80];   /* where its sockets are */
  const char *clock;  /* libfaketime, by which its wall clock is stepped; NULL: the system's */
  uint32_t cameras;   /* that its configuration names */
  pid_t pid;          /* 0: not running */
} soak_daemon;

/* Makes the directory, starts `program` in it (NULL: the labelcald beside this program) and returns
 * at once. The strings outlive it. LCAL_SYSTEM. */
lcal_status soak_daemon_start(soak_daemon *daemon, const char *program, lcal_error *error);

/* Writes its configuration; another `turn`, other values of what a reload takes over. */
lcal_status soak_daemon_configure(const soak_daemon *daemon, unsigned turn, lcal_error *error);

/* Steps its wall clock to so many seconds from the system's. LCAL_SYSTEM. */
lcal_status soak_daemon_step_clock(const soak_daemon *daemon, int seconds, lcal_error *error);

/* Whether it still runs. */
int soak_daemon_runs(soak_daemon *daemon);

/* Its resident memory and its open descriptors; 0 if they cannot be read. */
uint64_t soak_daemon_memory(const soak_daemon *daemon);
unsigned soak_daemon_descriptors(const soak_daemon *daemon);

/* Ends it by SIGTERM. LCAL_SYSTEM if it had ended before, does not end, or ends with another status
 * than 0. */
lcal_status soak_daemon_stop(soak_daemon *daemon, lcal_error *error);

/* Removes the directory, in which its log is too. */
void soak_daemon_remove(const soak_daemon *daemon);

#endif
