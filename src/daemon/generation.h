/* A bank's statistics as a snapshot, and back. */
#ifndef DAEMON_GENERATION_H
#define DAEMON_GENERATION_H

#include "daemon/job.h"

/* On a worker, for a JOB_ENCODE: the bank as job->change will leave it, as bytes in the job. The
 * domains that differ are made beside the bank's and stay with the change. */
void generation_encode(struct job *job);

/* Applies a reset or a load to one domain; version+1. */
void change_apply(const struct bank_change *change, lcal_domain *state);

void change_destroy(struct bank_change *change);

/* Puts a snapshot's domain into `state`: its sums, its window, its stamp; not the version. */
void domain_restore(lcal_domain *state, const lcal_adaptation *adaptation,
                    const lcal_snapshot_domain *row);

/* The row called `name`, or NULL. */
const lcal_snapshot_domain *snapshot_domain_find(const lcal_snapshot *snapshot, const char *name);
#endif
