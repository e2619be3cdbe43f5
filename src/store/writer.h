/* The store thread: everything that touches the disk while labelcald runs, so that a slow or
 * hanging disk never stops the loop. Jobs are done one after another in the order they came.
 *
 * What fails is reported and left to the daemon, which goes on labelling and tries again at its
 * next interval with a new generation: a disk that was full or read-only may heal, so nothing
 * here ever stops trying (a disk's EIO is tried three times within one job; directory.h). */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/directory.h"

enum lcal__job_kind {
  LCAL__JOB_WRITE, /* generation `number` from `bytes`, durably; then prune */
  LCAL__JOB_LOAD   /* generation `number` into `snapshot` */
};

/* One job; the caller's memory, lent from submit() until `done` was called with it. */
struct lcal__store_job {
  enum lcal__job_kind kind;
  const struct lcal__directory *directory; /* settled; outlives the job */
  uint64_t number;
  uint8_t *bytes; /* WRITE: an encoded snapshot; the store frees it and sets NULL */
  size_t length;
  struct lcal__retention retention;
  void *context; /* the caller's own */
  /* Results. */
  lcal_error error;             /* code LCAL_OK, or why not */
  lcal_snapshot *snapshot;      /* LOAD: the caller's to destroy */
  struct lcal__store_job *next; /* the store's */
};

struct lcal__store_writer;

/* Starts the thread, with all signals blocked. `done` is called on it for each job, when nothing
 * of the job is the store's any more; it must not block. `hook` (or NULL) is called before each
 * step of each write (durable.h). LCAL_MEMORY, LCAL_SYSTEM. */
lcal_status lcal__store_writer_create(struct lcal__store_writer **writer,
                                      void (*done)(void *context, struct lcal__store_job *job),
                                      lcal__step_hook hook, void *context, lcal_error *error);

/* Hands over a job. Never blocks on the disk. */
void lcal__store_writer_submit(struct lcal__store_writer *writer, struct lcal__store_job *job);

/* A number that grows at least once a second while the thread waits for jobs, and before each
 * step of a write: it stands still while a system call hangs. Any thread may ask. */
uint64_t lcal__store_writer_heartbeat(const struct lcal__store_writer *writer);

/* Does the jobs that wait, ends the thread, frees. NULL is fine. */
void lcal__store_writer_destroy(struct lcal__store_writer *writer);

#endif
