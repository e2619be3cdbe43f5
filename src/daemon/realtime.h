/* What the system is asked for so that frames are labelled in time: CPUs, real-time priorities,
 * memory that stays. What its limits do not allow is said with the remedy and done without. */
#ifndef DAEMON_REALTIME_H
#define DAEMON_REALTIME_H

#include "daemon/config.h"

#include <pthread.h>
#include <sched.h>

struct workers;

/* What was granted; for /metrics. */
struct realtime {
  uint64_t cpus;          /* that the workers are bound to; 0: not bound */
  uint64_t priority;      /* their SCHED_FIFO priority; 0: the ordinary one */
  uint64_t memory_locked; /* 1: pages that are there, and all to come, stay */
};

/* The CPUs that workers may run on: those of workers.cpus that this process may use; all that it
 * may use if none is named, or none of those can be had. Returns their number, at least 1. */
uint32_t realtime_cpus(const struct config *config, cpu_set_t *cpus);

/* workers.lock_memory: before threads and buffers are made, which are then whole from the start. */
void realtime_lock_memory(struct realtime *granted, const struct config *config);

/* workers.cpus and workers.realtime; the calling thread, which is the loop's, goes one above the
 * workers, so that they keep it neither from receiving nor from publishing. Threads that it
 * starts later are ordinary. */
void realtime_place(struct realtime *granted, const struct config *config, struct workers *workers);

/* A mutex whose holder inherits the priority of who waits for it. */
void realtime_mutex_init(pthread_mutex_t *mutex);
#endif
