/* The threads that label. A job is handed over whole; its bands are shared out among all of
 * them, and it comes back on the inbox. */
#ifndef DAEMON_WORKERS_H
#define DAEMON_WORKERS_H

#include "daemon/job.h"

#include <sched.h>

struct workers;

/* Starts `threads` threads; at most `most_jobs` are out at once. Signals must be blocked: the
 * threads inherit the mask. LCAL_SYSTEM, LCAL_MEMORY. */
lcal_status workers_create(struct workers **workers, uint32_t threads, size_t most_jobs,
                           struct inbox *inbox, lcal_error *error);

/* Binds all of them to these CPUs; gives them a SCHED_FIFO priority, or (0) the ordinary one back.
 * 0 or an errno. */
int workers_bind(struct workers *workers, const cpu_set_t *cpus);
int workers_set_priority(struct workers *workers, int priority);

/* Ends the threads; no job may be out. NULL is fine. */
void workers_destroy(struct workers *workers);

/* Hands a job over. */
void workers_start(struct workers *workers, struct job *job);

/* Bands and steps done since the start, and jobs out: progress while there is work means that
 * the threads live. */
uint64_t workers_progress(const struct workers *workers);
uint32_t workers_jobs(const struct workers *workers);
#endif
